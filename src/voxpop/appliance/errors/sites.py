"""Why a site serves no appliance."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


class SiteAbsent(Absent):
    """No site of that name is connected."""

    code = "site-absent"

    def __init__(self, site: str) -> None:
        super().__init__(f"no site '{site}' is connected here: `voxpop site list` shows which are")
        self.site = site


class SiteKindUnknown(Invalid):
    """No back-end knows such a site."""

    code = "site-kind-unknown"

    def __init__(self, kind: str, known: str) -> None:
        super().__init__(f"there is no kind of site '{kind}': give one of {known}")
        self.kind = kind


class SiteNameInvalid(Invalid):
    """A name that no site can be connected or removed under."""

    code = "site-name-invalid"

    def __init__(self) -> None:
        super().__init__(
            "a site's name is lower-case words joined by hyphens, at most 30 letters, and not 'local', which is this "
            "machine and always there"
        )


class SiteInUse(Refused):
    """A site that something stands on."""

    code = "site-in-use"

    def __init__(self, site: str, appliance: str) -> None:
        super().__init__(
            f"on site '{site}' stands appliance '{appliance}': `voxpop appliance remove {appliance}` removes it first"
        )
        self.site = site


class SiteRefuses(Refused):
    """A site may not serve an environment, by its terms or the project's quota."""

    code = "site-refuses"

    def __init__(self, site: str, clause: str, application: str) -> None:
        super().__init__(
            f"site '{site}' {clause}: `voxpop appliance plan {application}` shows which sites can serve it"
        )
        self.site = site


class NoSiteServes(Refused):
    """None of the sites may serve an environment."""

    code = "no-site-serves"

    def __init__(self, application: str, site: str, clause: str) -> None:
        super().__init__(
            f"no site can serve application '{application}': site '{site}' {clause}; the others are in "
            f"`voxpop appliance plan {application} --json`"
        )


class SiteSettingInvalid(Invalid):
    """A site's setting is not as it must be."""

    code = "site-setting-invalid"

    def __init__(self, site: str, setting: str, fault: str) -> None:
        super().__init__(f"site '{site}': the setting '{setting}' {fault}")
        self.site = site


class SiteUnreachable(Unavailable):
    """A site did not answer."""

    code = "site-unreachable"

    def __init__(self, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' does not answer ({fault}): `voxpop site check {site}` tells when it does")
        self.site = site


class SiteBuildsNothing(Refused):
    """An image was asked of a site that has none."""

    code = "site-builds-nothing"

    def __init__(self, site: str) -> None:
        super().__init__(f"site '{site}' makes no images: `voxpop site list` shows which kinds there are")
        self.site = site


class VolumeNotSealedHere(Refused):
    """The folder given for the data is not the sealed volume that the document names."""

    code = "volume-not-sealed-here"

    def __init__(self, appliance: str, fault: str) -> None:
        super().__init__(f"appliance '{appliance}' cannot be deployed: the volume {fault}; seal it, or stage it again")
        self.appliance = appliance


class WorkingAreaUnwritable(Unavailable):
    """The working area can't be made or removed."""

    code = "working-area-unwritable"

    def __init__(self, appliance: str, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' could not write the working area of appliance '{appliance}': {fault}")
        self.appliance = appliance


class ApplianceNameInvalid(Invalid):
    """An id that can't name a folder."""

    code = "appliance-name-invalid"

    def __init__(self) -> None:
        super().__init__("an appliance's id is lower-case words joined by hyphens: give one of `voxpop appliance list`")
