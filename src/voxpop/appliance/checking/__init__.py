"""What is looked at before a researcher's own recipe, or a third party's, may be approved."""

from voxpop.appliance.checking.finding import Finding
from voxpop.appliance.checking.folder import check_folder

__all__ = ["Finding", "check_folder"]
