"""Appliances, sites, recipes and pipelines."""

from pydantic import Base64Bytes, Field

from voxpop.appliance.states import ApplianceState
from voxpop.web.api.models.base import Answer, Asked, Words


class ApplianceItem(Answer):
    """An appliance in a list."""

    appliance: str = Field(description="Its id.")
    application: str = Field(description="The application that it is for.")
    site: str = Field(description="Where it stands.")
    state: ApplianceState = Field(description="How it is.")


class ApplianceFacts(ApplianceItem):
    """An appliance and what its site gave it."""

    volume: str = Field(description="The volume that it works on.")
    document_sha256: str = Field(description="SHA-256 of its TOSCA document.")
    sandbox: str | None = Field(description="What keeps the volume read-only; null where it does not stand.")
    network: bool | None = Field(description="Whether runs may use the network.")
    cores: int | None = Field(description="Cores given.")
    memory_gb: int | None = Field(description="Memory given, in GB.")
    not_given: list[str] | None = Field(description="What was asked for and the site cannot give.")


class AppliancePlanned(Answer):
    """An appliance as it was planned."""

    appliance: str = Field(description="Its id.")
    site: str = Field(description="Where it would stand.")
    document_sha256: str = Field(description="SHA-256 of its TOSCA document.")
    document: str = Field(description="The TOSCA document.")


class NotebookOpened(Answer):
    """A notebook that is open, and the way into it."""

    appliance: str = Field(description="The appliance's id.")
    address: str = Field(description="Lets one browser in, once, within half a minute; it is a secret until then.")


class ApplianceRemoved(Answer):
    """An appliance after it was removed."""

    appliance: str = Field(description="Its id.")
    state: ApplianceState = Field(description="How it is.")


class ParameterFacts(Answer):
    """An input of a pipeline that a person may choose."""

    name: str = Field(description="Its name.")
    kind: str = Field(description="Its CWL type.")
    default: bool | int | float | str | None = Field(description="What is taken where nothing is chosen.")
    doc: str = Field(description="What it does.")


class PipelineFacts(Answer):
    """A pipeline that can be run."""

    pipeline: str = Field(description="As name/version.")
    title: str = Field(description="Its title.")
    volume_inputs: dict[str, str] = Field(description="How the volume's files become its inputs, as globs.")
    parameters: dict[str, bool | int | float | str | list[str] | None] = Field(description="Default values.")
    sha256: str = Field(description="Digest of its content.")


class PipelineDetail(PipelineFacts):
    """A pipeline and what may be chosen."""

    chosen: list[ParameterFacts] = Field(description="The inputs that a person may choose.")


class RecipeFacts(Answer):
    """Software that an application may ask for, or that was added and waits to be approved."""

    recipe: str = Field(description="Its name.")
    version: str = Field(description="Its version.")
    kind: str = Field(description="What kind of software it is.")
    state: str = Field(description="`ships` or `approved`: may be asked for; `added` or `withdrawn`: may not.")
    purpose: str = Field(description="What it is for.")


class RecipeSent(Asked):
    """A recipe's folder."""

    archive: Base64Bytes = Field(description="Its folder as a ZIP file, in base64.")


class RecipeStands(Answer):
    """Where a recipe stands that was added."""

    recipe: str = Field(description="Its name.")
    version: str = Field(description="Its version.")
    state: str = Field(description="`added`, `approved` or `withdrawn`.")
    sha256: str = Field(description="Over all its files: what was looked at, is approved and is built.")


class SiteFacts(Answer):
    """A place where appliances can stand, and its prices."""

    site: str = Field(description="Its name.")
    kind: str = Field(description="What it is: this machine (local), or how it was connected.")
    core_hour: float = Field(description="Price of a core for an hour.")
    gpu_hour: float = Field(description="Price of a GPU for an hour.")
    gb_month: float = Field(description="Price of a gigabyte for a month.")
    currency: str = Field(description="The prices' currency.")


class SiteAnswered(Answer):
    """A site that is there."""

    site: str = Field(description="Its name.")
    answers: bool = Field(description="Whether it answers.")
    has: dict[str, str] = Field(description="What it says of itself.")


class SiteRemoved(Answer):
    """A site that is forgotten."""

    site: str = Field(description="Its name.")


class SiteChosen(Asked):
    """Where an appliance is to stand."""

    site: Words = Field(default="", description="The site's name; empty for this machine.")


class RemovalAsked(Asked):
    """Something to remove, and why."""

    reason: Words = Field(default="", description="Why; it stands in the audit log.")
    give_up: bool = Field(default=False, description="Whether to write it off where its site does not answer.")
