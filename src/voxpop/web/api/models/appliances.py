"""Appliances, sites, recipes and pipelines."""

from typing import Annotated

from pydantic import Base64Bytes, Field

from voxpop.appliance.brokering import Fit
from voxpop.appliance.elastic.sizing import WorkerState
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.terms import DataPolicy
from voxpop.web.api.models.base import Answer, Asked, Line, Moment, Words


class ApplianceItem(Answer):
    """An appliance in a list."""

    appliance: str = Field(description="Its id.")
    application: str = Field(description="The application that it is for.")
    site: str = Field(description="Where it stands.")
    state: ApplianceState = Field(description="How it is.")


class WorkerFacts(Answer):
    """A worker of an appliance."""

    worker: str = Field(description="Its name.")
    up: bool = Field(description="Whether it runs.")
    state: WorkerState = Field(description="What its queue says of it; away where nobody knows.")


class HappenedFacts(Answer):
    """Something that happened to an appliance."""

    at: str = Field(description="When, in UTC.")
    action: str = Field(description="What.")


class WorkersFacts(Answer):
    """The workers of an appliance that has a queue."""

    queue: str = Field(description="The recipe of its queue.")
    least: int = Field(description="As many are there while nothing is to be done.")
    most: int = Field(description="There are never more.")
    granted: int = Field(description="As many could be chosen as the most.")
    here: list[WorkerFacts] | None = Field(description="Those that are there; null while the site does not answer.")
    waiting: int | None = Field(description="Jobs that wait; null while the queue does not answer.")
    running: int | None = Field(description="Jobs that run; null while the queue does not answer.")
    worker_hours: float = Field(description="Hours of workers until now, all together.")
    cost: float = Field(description="What those came to, at its site's prices.")
    currency: str = Field(description="The prices' currency.")
    events: list[HappenedFacts] = Field(description="What happened last, the oldest first.")


class ApplianceFacts(ApplianceItem):
    """An appliance and what its site gave it."""

    ends_at: Moment | None = Field(description="When it is removed by rule; null where it does not stand.")
    warning: str = Field(description="What is to be known of that, from seven days before; empty until then.")

    volume: str = Field(description="The volume that it works on.")
    document_sha256: str = Field(description="SHA-256 of its TOSCA document.")
    sandbox: str | None = Field(description="What keeps the volume read-only; null where it does not stand.")
    network: bool | None = Field(description="Whether runs may use the network.")
    cores: int | None = Field(description="Cores given.")
    memory_gb: int | None = Field(description="Memory given, in GB.")
    not_given: list[str] | None = Field(description="What was asked for and the site cannot give.")
    workers: WorkersFacts | None = Field(description="Its workers; null where it has no queue.")


class BidFacts(Answer):
    """How a site would serve a project."""

    site: str = Field(description="Its name.")
    kind: str = Field(description="What it is.")
    fit: Fit = Field(description="Whether it gives the whole, less, or may not or cannot serve.")
    reason: str = Field(description="Why it may not or cannot, in one clause; empty where it can.")
    not_given: list[str] = Field(description="What was asked for and it would not give.")
    cost_least: float = Field(description="Money while nothing is done.")
    cost_most: float = Field(description="Money at the peak all the time.")
    currency: str = Field(description="Of both.")
    jurisdiction: str = Field(description="The country whose law holds there; empty where nobody has said.")
    core_hours_left: float | None = Field(description="Of the project's quota there; null for no limit.")
    workers: int | None = Field(description="The project's quota of workers there; null for no limit.")


class PlanFacts(Answer):
    """What an appliance would be, before anything starts."""

    appliance: str | None = Field(description="Its id; null where nothing was kept.")
    application: str = Field(description="The application that it is for.")
    volume: str = Field(description="The volume that it would work on.")
    site: str | None = Field(description="Where it would stand; null where no site can serve it.")
    document_sha256: str = Field(description="SHA-256 of its TOSCA document.")
    machines: list[str] = Field(description="The machines that it comes to.")
    volumes: list[str] = Field(description="The volumes that they see, with their rights.")
    queue: str | None = Field(description="The recipe of its batch queue; null for none.")
    recipes: list[str] = Field(description="Its software.")
    days: int = Field(description="How long it is granted from its deployment.")
    sites: list[BidFacts] = Field(description="All sites, the first to be chosen first.")
    compared_with: str | None = Field(description="The project's newest appliance that stands; null for none.")
    changes: list[str] = Field(description="What would be otherwise than in that one, a line each.")
    document: str = Field(description="The TOSCA document.")


class SizeAsked(Asked):
    """How many workers there may be."""

    least: int = Field(ge=0, le=100_000, description="As many stay while nothing is to be done.")
    most: int = Field(ge=1, le=100_000, description="There are never more.")


class ApplianceResized(Answer):
    """How many workers an appliance may have."""

    appliance: str = Field(description="Its id.")
    least: int = Field(description="As many stay while nothing is to be done.")
    most: int = Field(description="There are never more.")


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
    """A place where appliances can stand, its prices and its terms."""

    site: str = Field(description="Its name.")
    kind: str = Field(description="What it is: this machine (local), or how it was connected.")
    answers: bool = Field(description="Whether it answers; who was asked some seconds ago is not asked again.")
    fault: str = Field(description="Why it does not, in one sentence; empty where it does.")
    core_hour: float = Field(description="Price of a core for an hour.")
    gpu_hour: float = Field(description="Price of a GPU for an hour.")
    gb_month: float = Field(description="Price of a gigabyte for a month.")
    currency: str = Field(description="The prices' currency.")
    cores: int | None = Field(description="Cores for all appliances together; null for what it has.")
    memory_gb: int | None = Field(description="Memory for all appliances together, in GB; null for what it has.")
    gpus: int | None = Field(description="GPUs for all appliances together; null for what it has.")
    storage_gb: int | None = Field(description="Storage for all appliances together, in GB; null for what it has.")
    jurisdiction: str = Field(description="The country whose law holds there (ISO 3166); empty where nobody has said.")
    data: DataPolicy = Field(description="Which volumes may go there, beside what each volume allows.")
    hours: str = Field(description="Hours of the day (UTC) in which it gives machines; empty for the whole day.")


class QuotaFacts(Answer):
    """How much of a site a project may use."""

    site: str = Field(description="The site's name.")
    application: str = Field(description="The project's application.")
    core_hours: int | None = Field(description="Of all its appliances there together; null for no limit.")
    workers: int | None = Field(description="At the same time; null for no limit.")


class SiteDetail(SiteFacts):
    """A site with what projects may use of it, and what stands there, as far as it may be read."""

    quotas: list[QuotaFacts] = Field(description="Quotas of projects.")
    appliances: list[str] = Field(description="What stands there.")


_Number = Annotated[int, Field(ge=0, le=10**9)]


class QuotaAsked(Asked):
    """How much of a site a project is to have; all of it is replaced."""

    application: Line = Field(description="The project's application.")
    core_hours: _Number | None = Field(default=None, description="Of all its appliances together; null for no limit.")
    workers: _Number | None = Field(default=None, description="At the same time; null for no limit.")


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

    site: Words = Field(default="", description="The site's name; empty for the first that can serve it.")
    queue: Words = Field(default="", description="A batch queue's recipe, instead of the one that was asked for.")


ANYWHERE = SiteChosen()
"""The first site that can serve it, with the queue that was asked for."""


class RemovalAsked(Asked):
    """Something to remove, and why."""

    reason: Words = Field(default="", description="Why; it stands in the audit log.")
    give_up: bool = Field(default=False, description="Whether to write it off where its site does not answer.")
