"""What the appliance stage says no to."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable

_LAST_WORDS = 600  # characters


class DocumentInvalid(Invalid):
    """A TOSCA document that no site may deploy."""

    code = "tosca-invalid"

    def __init__(self, fault: str) -> None:
        super().__init__(f"the appliance's document {fault}: plan the appliance again")
        self.fault = fault


class RecipeInvalid(Invalid):
    """A recipe's description is not as it must be."""

    code = "recipe-invalid"

    def __init__(self, recipe: str, fault: str) -> None:
        super().__init__(f"recipe '{recipe}': {fault}")
        self.recipe = recipe
        self.fault = fault


class RecipeFaulty(Invalid):
    """A recipe that the check has findings for."""

    code = "recipe-faulty"

    def __init__(self, recipe: str, findings: int, first: str) -> None:
        told = "one thing" if findings == 1 else f"{findings} things"
        super().__init__(f"recipe '{recipe}' is not as it must be ({told}): {first}")
        self.recipe = recipe


class RecipeAddedAbsent(Absent):
    """No recipe of that name and version was added."""

    code = "recipe-added-absent"

    def __init__(self, recipe: str, version: str) -> None:
        super().__init__(f"nobody added a recipe '{recipe}' {version} here: `voxpop recipe list` shows which there are")
        self.recipe = recipe


class RecipeShips(Refused):
    """A recipe of that name is part of the bank."""

    code = "recipe-ships"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"a recipe '{recipe}' ships with the bank: give yours another name")
        self.recipe = recipe


class RecipeFixed(Refused):
    """An approved recipe was to be changed."""

    code = "recipe-fixed"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"recipe '{recipe}' is approved with other content: give the changed one a new version")
        self.recipe = recipe


class RecipeOfOnesOwn(Refused):
    """Somebody was to approve what they added."""

    code = "recipe-of-ones-own"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"recipe '{recipe}' was added by you: another technical manager has to approve it")
        self.recipe = recipe


class RecipeChanged(Refused):
    """A recipe's files are not those that were looked at."""

    code = "recipe-changed"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"the files of recipe '{recipe}' are not those that were looked at: add it again")
        self.recipe = recipe


class RecipeArchiveInvalid(Invalid):
    """What was sent is no recipe's folder in a ZIP archive."""

    code = "recipe-archive-invalid"

    def __init__(self, fault: str) -> None:
        super().__init__(f"the recipe's archive {fault}: send its folder as a ZIP file of at most 10 MB")


class RecipeAbsent(Absent):
    """No recipe of that name is installed."""

    code = "recipe-absent"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"there is no recipe '{recipe}': `voxpop recipe list` shows what a project can ask for")
        self.recipe = recipe


class RecipeAlone(Refused):
    """A recipe was asked for without one that it needs."""

    code = "recipe-alone"

    def __init__(self, recipe: str, needed: str) -> None:
        super().__init__(f"recipe '{recipe}' needs '{needed}': ask for both in the application's software")
        self.recipe = recipe
        self.needed = needed


class RecipesConflict(Refused):
    """Two recipes were asked for that can't be on one machine."""

    code = "recipes-conflict"

    def __init__(self, recipe: str, other: str, why: str) -> None:
        super().__init__(f"recipes '{recipe}' and '{other}' can't be had together ({why}): leave one of them out")
        self.recipe = recipe
        self.other = other


class QueueNotChosen(Refused):
    """A batch queue was named that can't take the place of the one that was asked for."""

    code = "queue-not-chosen"

    def __init__(self, queue: str, known: str) -> None:
        super().__init__(
            f"'{queue}' can't be the appliance's queue: choose one of {known}, and only where the application asks for "
            "a queue"
        )


class RecipeWantsGpu(Refused):
    """A recipe that only works with a GPU, and none is asked for."""

    code = "recipe-wants-gpu"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"recipe '{recipe}' works only with a GPU: ask for one in the application's compute")
        self.recipe = recipe


class RecipeWithoutRole(Refused):
    """A recipe that can't be installed."""

    code = "recipe-without-role"

    def __init__(self, recipe: str) -> None:
        super().__init__(
            f"recipe '{recipe}' has no Ansible role, so no image can hold it: leave it out, or add tasks/main.yml to it"
        )
        self.recipe = recipe


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


class ImageUnbuilt(Refused):
    """A step of the making of an image failed."""

    code = "image-unbuilt"

    def __init__(self, step: str, said: str) -> None:
        words = " ".join(said.split())[-_LAST_WORDS:]
        super().__init__(f"the image could not be built: {step} failed; its last words: {words or 'none'}")
        self.step = step


class RegistryRefused(Refused):
    """A registry of images can't be used."""

    code = "registry-refused"

    def __init__(self, registry: str, fault: str) -> None:
        super().__init__(f"registry '{registry}': {' '.join(fault.split())[:_LAST_WORDS]}")
        self.registry = registry


class ImageDiffers(Refused):
    """An image that was built a second time is not the same."""

    code = "image-differs"

    def __init__(self, places: int) -> None:
        super().__init__(
            f"the image built anew of the same inputs differs in {places} places, which are listed: pin what changes"
        )


class ImageAbsent(Absent):
    """An image was asked about that a site does not have."""

    code = "image-absent"

    def __init__(self, site: str) -> None:
        super().__init__(f"site '{site}' has no image of that: `voxpop recipe build RECIPES --site {site}` makes one")
        self.site = site


class ImageUnreadable(Unavailable):
    """It can't be read what an image holds."""

    code = "image-unreadable"

    def __init__(self, site: str) -> None:
        super().__init__(f"what the image on site '{site}' holds can't be read: build it anew")
        self.site = site


class ApplianceAbsent(Absent):
    """No appliance of that name was planned."""

    code = "appliance-absent"

    def __init__(self, appliance: str) -> None:
        super().__init__(f"there is no appliance '{appliance}' here: `voxpop appliance list` shows what there is")
        self.appliance = appliance


class NothingDeployed(Absent):
    """An application without a deployed appliance."""

    code = "nothing-deployed"

    def __init__(self, application: str) -> None:
        super().__init__(
            f"application '{application}' has no appliance that is deployed: `voxpop appliance deploy` deploys one"
        )


class ApplianceLost(Unavailable):
    """A deployed appliance that its site can't account for."""

    code = "appliance-lost"

    def __init__(self, appliance: str, site: str, volume: str) -> None:
        super().__init__(
            f"site '{site}' can't say what became of appliance '{appliance}': deploy it again on its page, or by "
            f"`voxpop appliance deploy {volume}`"
        )
        self.appliance = appliance


class ApplianceNotDeployed(Refused):
    """An appliance that does not stand."""

    code = "appliance-not-deployed"

    def __init__(self, appliance: str, state: str) -> None:
        super().__init__(
            f"appliance '{appliance}' is {state}: `voxpop appliance list` shows which appliances are deployed"
        )
        self.appliance = appliance


class VolumeNotSealedHere(Refused):
    """The folder given for the data is not the sealed volume that the document names."""

    code = "volume-not-sealed-here"

    def __init__(self, appliance: str, fault: str) -> None:
        super().__init__(f"appliance '{appliance}' cannot be deployed: the volume {fault}; seal it, or stage it again")
        self.appliance = appliance


class ClusterNotMade(Unavailable):
    """A front end or its first workers that did not come up."""

    code = "cluster-not-made"

    def __init__(self, appliance: str, site: str, fault: str, said: str) -> None:
        words = " ".join(said.split())[-_LAST_WORDS:]
        super().__init__(
            f"appliance '{appliance}' could not be put up on site '{site}' ({fault}); nothing of it is left there; "
            f"its front end's last words: {words or 'none'}"
        )
        self.appliance = appliance


class FrontEndAway(Unavailable):
    """A front end that can't be asked."""

    code = "front-end-away"

    def __init__(self, appliance: str, site: str) -> None:
        super().__init__(
            f"the front end of appliance '{appliance}' on site '{site}' can't be reached: deploy the appliance again"
        )
        self.appliance = appliance


class NoWorkersHere(Refused):
    """Workers were asked for where no queue stands."""

    code = "no-workers-here"

    def __init__(self, appliance: str, site: str) -> None:
        super().__init__(
            f"appliance '{appliance}' has no queue on site '{site}': deploy one whose application asks for it"
        )
        self.appliance = appliance


class WorkersNotGiven(Refused):
    """More workers were asked for than there may be, or by other names."""

    code = "workers-not-given"

    def __init__(self, appliance: str, most: int) -> None:
        super().__init__(
            f"appliance '{appliance}' may have {most} workers, w1 to w{most}, and no other: ask for some of these"
        )
        self.appliance = appliance


class TerminalNotGiven(Refused):
    """A terminal on an appliance that can't keep what a terminal promises."""

    code = "terminal-not-given"

    def __init__(self, appliance: str, site: str, sandbox: str) -> None:
        super().__init__(
            f"appliance '{appliance}' gives no terminal: site '{site}' holds it by '{sandbox}' alone, which would not "
            "keep the volume read-only and the network closed; with bubblewrap installed, deploy it again"
        )
        self.appliance = appliance


class TerminalNotAllowed(Refused):
    """A terminal that was asked for by someone who may not open the volume today."""

    code = "terminal-not-allowed"

    def __init__(self, appliance: str, volume: str) -> None:
        super().__init__(
            f"a terminal on appliance '{appliance}' shows volume '{volume}', which you may not open today: "
            "ask the data manager for a right to it"
        )
        self.appliance = appliance


class WorkersRefused(Refused):
    """Workers that an appliance does not get."""

    code = "workers-refused"

    def __init__(self, appliance: str, workers: int, why: str) -> None:
        super().__init__(f"appliance '{appliance}' gets {workers} of the workers asked for: {why}")
        self.appliance = appliance


class WorkersUnknown(Invalid):
    """A name that is no worker's."""

    code = "workers-unknown"

    def __init__(self) -> None:
        super().__init__("a worker is called w1, w2 and so on: give such names")


class NoWorkers(Refused):
    """An appliance whose size is fixed."""

    code = "no-workers"

    def __init__(self, appliance: str) -> None:
        super().__init__(
            f"appliance '{appliance}' has no queue that workers come and go for: ask for 'htcondor' or 'slurm' in the "
            "application's software"
        )
        self.appliance = appliance


class SizeRefused(Refused):
    """A number of workers that an appliance can't have now."""

    code = "size-refused"

    def __init__(self, appliance: str, why: str) -> None:
        super().__init__(f"appliance '{appliance}' stays as it is: {why}")
        self.appliance = appliance


class SizeInvalid(Invalid):
    """Two numbers that are no size."""

    code = "size-invalid"

    def __init__(self) -> None:
        super().__init__(
            "the least number of workers is 0 or more, the most 1 or more, and the least not above the most"
        )


class NotebookNotGiven(Refused):
    """A notebook on an appliance that has none."""

    code = "notebook-not-given"

    def __init__(self, appliance: str) -> None:
        super().__init__(
            f"appliance '{appliance}' gives no notebook: its application did not ask for the recipe 'notebook', or its "
            "site has none; the appliance's page says which"
        )
        self.appliance = appliance


class AccountNameInvalid(Invalid):
    """An account whose name can't name a folder."""

    code = "account-name-invalid"

    def __init__(self) -> None:
        super().__init__(
            "an account's name is lower-case letters, digits, '.', '_' and '-', and begins with a letter or a digit"
        )


class ApplianceNameInvalid(Invalid):
    """An id that can't name a folder."""

    code = "appliance-name-invalid"

    def __init__(self) -> None:
        super().__init__("an appliance's id is lower-case words joined by hyphens: give one of `voxpop appliance list`")


class WorkingAreaUnwritable(Unavailable):
    """The working area can't be made or removed."""

    code = "working-area-unwritable"

    def __init__(self, appliance: str, site: str, fault: str) -> None:
        super().__init__(f"site '{site}' could not write the working area of appliance '{appliance}': {fault}")
        self.appliance = appliance


class QueueUnreachable(Unavailable):
    """A batch queue that nobody here can ask."""

    code = "queue-unreachable"

    def __init__(self, site: str, queue: str) -> None:
        super().__init__(
            f"the batch queue '{queue}' of an appliance on site '{site}' can't be asked from here: deploy the "
            "appliance again, on a site that has queues"
        )
        self.site = site
