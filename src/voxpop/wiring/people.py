"""What a technical manager does to the account of somebody else."""

from voxpop.wiring.system import System


def reset_password(system: System, name: str, password: str, actor: str) -> None:
    """Give an account a new password and no second factor, and end its sessions and tokens.

    Raises
    ------
    AccountAbsent, AccountInvalid, PasswordWeak
        As ``AccessService.reset_password`` does; then nothing is changed.
    """
    system.access.reset_password(name, password, actor)
    system.entrance.shut_out(name, actor)


def keep_out(system: System, name: str, actor: str) -> None:
    """Keep an account out from its next request, and end its sessions and tokens.

    Raises
    ------
    AccountAbsent
    """
    system.access.enable(name, actor, enabled=False)
    system.entrance.shut_out(name, actor)
