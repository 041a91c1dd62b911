"""What is wrong with recipes, images and documents."""

from voxpop.appliance.errors.words import first_words, last_words
from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


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
    """A version of a recipe was to be changed."""

    code = "recipe-fixed"

    def __init__(self, recipe: str) -> None:
        super().__init__(f"recipe '{recipe}' is there with other content: give the changed one a new version")
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
        super().__init__(f"the recipe's archive {fault}: send its folder as a ZIP file, by a page of at most 1 MB")


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


class ImageUnbuilt(Refused):
    """A step of the making of an image failed."""

    code = "image-unbuilt"

    def __init__(self, step: str, said: str) -> None:
        words = last_words(said)
        super().__init__(f"the image could not be built: {step} failed; its last words: {words or 'none'}")
        self.step = step


class RegistryRefused(Refused):
    """A registry of images can't be used."""

    code = "registry-refused"

    def __init__(self, registry: str, fault: str) -> None:
        super().__init__(f"registry '{registry}': {first_words(fault)}")
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
