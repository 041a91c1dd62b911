"""What the access stage says no to."""

from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable


class AccountInvalid(Invalid):
    """An account was described wrongly."""

    code = "account-invalid"


class OwnAccount(AccountInvalid):
    """Somebody changes their own rights."""

    code = "own-account"

    def __init__(self) -> None:
        super().__init__(
            "nobody changes their own roles or groups, resets their own password here or keeps themselves out: ask "
            "another technical manager"
        )


class AccountExists(Refused):
    """The name, or the person, is taken."""

    code = "account-exists"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is already an account with the {what} '{name}': choose another")


class AccountAbsent(Absent):
    """There is no such account."""

    code = "account-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no account '{name}' here: `voxpop user list` shows which there are")


class GroupAbsent(Absent):
    """There is no such group."""

    code = "group-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no group '{name}' here: `voxpop group list` shows which there are")


class LastApplicant(Refused):
    """The last one who may change a project would leave it."""

    code = "last-applicant"

    def __init__(self, application: str) -> None:
        super().__init__(f"project '{application}' would have no applicant left: add another applicant first")


class PasswordWeak(Invalid):
    """A password is too easy to guess."""

    code = "password-weak"


class SignInRefused(Refused):
    """A sign-in failed; it does not say which part was wrong."""

    code = "sign-in-refused"

    def __init__(self) -> None:
        super().__init__("the name, the password or the code is not right: try again, or ask for a new password")


class SecondFactorWanted(Refused):
    """The password was right, and a code is needed too."""

    code = "second-factor-wanted"

    def __init__(self) -> None:
        super().__init__("this account has a second factor: enter the six digits that your app shows now")


class TooManyTries(Refused):
    """Too many sign-ins failed; waiting helps."""

    code = "too-many-tries"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many sign-ins failed from here: wait {max(1, -(-wait_s // 60))} minutes and try again")
        self.wait_s = wait_s


class TokenInvalid(Refused):
    """A token is not one of ours, has ended, or was revoked."""

    code = "token-invalid"

    def __init__(self) -> None:
        super().__init__("the token is unknown, has ended or was revoked: make a new one on your account's page")


class TokenTooLong(Invalid):
    """A token would live too long."""

    code = "token-too-long"

    def __init__(self, days: int) -> None:
        super().__init__(f"a token lives at most {days} days, and at least one: choose a nearer last day")


class ScopeUnknown(Invalid):
    """A token asks for what there is not."""

    code = "scope-unknown"

    def __init__(self, scope: str) -> None:
        super().__init__(f"there is no scope '{scope}': use `read`, `write`, or the name of an action")


class TokenAbsent(Absent):
    """There is no such token."""

    code = "token-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"you have no token '{name}': `voxpop token list` shows which you have")


class NotAllowed(Refused):
    """The role does not have this right."""

    code = "not-allowed"

    def __init__(self, action: str) -> None:
        super().__init__(f"your role does not have the right '{action}': ask someone who has it")
        self.action = action


class CodeWrong(Invalid):
    """A code of the second factor is not right."""

    code = "code-wrong"

    def __init__(self) -> None:
        super().__init__("the code is not right: enter the six digits that your app shows now")


class ProviderAbsent(Absent):
    """There is no such OpenID provider."""

    code = "provider-absent"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no sign-in with '{name[:40]}' here: choose from the sign-in page")


class ProviderDown(Unavailable):
    """An OpenID provider does not answer, or not in time."""

    code = "provider-down"

    def __init__(self, title: str) -> None:
        super().__init__(f"'{title}' does not answer now: try again in a few minutes, or sign in another way")


class ProviderWrong(Unavailable):
    """An OpenID provider describes itself, or answers, in a way that is not to be trusted."""

    code = "provider-wrong"

    def __init__(self, title: str, fault: str) -> None:
        super().__init__(f"'{title}' cannot be used, since {fault}: tell the technical manager")


class IdentityRefused(Refused):
    """What came back from an OpenID provider proves nobody's identity."""

    code = "identity-refused"

    def __init__(self, title: str, fault: str) -> None:
        super().__init__(f"'{title}' did not prove who you are, since {fault}: begin the sign-in again")
        self.fault = fault


class SignInStale(Refused):
    """A sign-in elsewhere was not begun in this browser, took too long, or came back before."""

    code = "sign-in-stale"

    def __init__(self) -> None:
        super().__init__("this sign-in is too old, was used already or began in another browser: begin it again")


class SignInDeclined(Refused):
    """An OpenID provider did not sign someone in, or they did not want to."""

    code = "sign-in-declined"

    def __init__(self, title: str) -> None:
        super().__init__(f"'{title}' did not sign you in: try again, or sign in another way")


class NoMember(Refused):
    """An OpenID provider knows someone who is in none of the groups that may come in."""

    code = "no-member"

    def __init__(self, title: str) -> None:
        super().__init__(f"your groups at '{title}' do not let you in here: ask your group's manager to add you")


class AccountKeptOut(Refused):
    """The account may not sign in."""

    code = "account-kept-out"

    def __init__(self) -> None:
        super().__init__("your account here is kept out: ask the technical manager")


class SecretUnreadable(Unavailable):
    """A secret in the database was closed by a key that is not here."""

    code = "secret-unreadable"

    def __init__(self) -> None:
        super().__init__(
            "a secret in the database was closed by another key: put 'web.key' of that bank back into its protected "
            "folder, from the backup, or make the secret anew"
        )
