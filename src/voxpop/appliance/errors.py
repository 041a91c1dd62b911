"""What the appliance stage says no to."""

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


class SiteAbsent(Absent):
    """No site of that name is connected."""

    code = "site-absent"

    def __init__(self, site: str) -> None:
        super().__init__(f"no site '{site}' is connected here: `voxpop site list` shows which are")
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


class AccountNameInvalid(Invalid):
    """An account whose name can't name a folder."""

    code = "account-name-invalid"

    def __init__(self) -> None:
        super().__init__(
            "an account's name is lower-case letters, digits, '.', '_' and '-', and begins with a letter or a digit"
        )
