"""What every way to sign in has in common: the form, and the welcome."""

from dataclasses import replace

from fastapi.responses import Response

from voxpop.access.model import Account
from voxpop.kernel.errors import VoxpopError
from voxpop.web.area import Area
from voxpop.web.ask import Ask, session_cookie, sign_in_to

area = Area("sign_in")


def welcome(ask: Ask, account: Account, back: str, id_token: str = "") -> Response:
    """Begin a session anew, under a secret that nobody can have known before, and go on."""
    if ask.session is not None and ask.account is not None:
        ask.system.entrance.sign_out(ask.session, ask.account.person)
    secret, _ = ask.system.entrance.begin(account, id_token)
    answer = ask.go(back)
    answer.set_cookie(
        session_cookie(secure=ask.secure), secret, path="/", httponly=True, samesite="lax", secure=ask.secure
    )
    return answer


def sign_in_form(ask: Ask, back: str, refusal: VoxpopError | None = None) -> Response:
    """Ask how someone wants to sign in, and say why the last try failed."""
    shown = replace(ask, refusal=refusal, shown=sign_in_to(back))
    return shown.page("sign_in/form.html", back=back, providers=ask.system.providers.rules)
