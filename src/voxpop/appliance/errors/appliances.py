"""What is wrong with appliances, and why nobody comes into one."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


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


class NotebookNotGiven(Refused):
    """A notebook on an appliance that has none."""

    code = "notebook-not-given"

    def __init__(self, appliance: str) -> None:
        super().__init__(
            f"appliance '{appliance}' gives no notebook: its application did not ask for the recipe 'notebook', or its "
            "site has none; the appliance's page says which"
        )
        self.appliance = appliance


class AccountTaken(Refused):
    """A person whose account is called like one that the machines of a cluster have already."""

    code = "account-taken"

    def __init__(self, account: str) -> None:
        super().__init__(
            f"the machines of the cluster have an account '{account}' that is no person's: let an administrator give "
            "the person an account of another name"
        )
        self.account = account


class AccountNameInvalid(Invalid):
    """An account whose name can't name a folder."""

    code = "account-name-invalid"

    def __init__(self) -> None:
        super().__init__(
            "an account's name is lower-case letters, digits, '.', '_' and '-', and begins with a letter or a digit"
        )
