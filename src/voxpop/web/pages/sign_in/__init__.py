"""Signing in and out, and the language of the pages."""

from fastapi.responses import Response

from voxpop.access.errors import SecondFactorWanted, SignInRefused, TooManyTries
from voxpop.access.permissions import Action
from voxpop.web import words
from voxpop.web.ask import DEVICE, LANGUAGE, Asked, local_path, session_cookie
from voxpop.web.pages.sign_in.door import area, sign_in_form, welcome
from voxpop.web.pages.sign_in.oidc import farewell

__all__ = ["area", "welcome"]


@area.page("/sign-in", Action.SIGN_IN)
def form(ask: Asked) -> Response:
    """Ask for a name and a password."""
    back = local_path(ask.request.query_params.get("next", "/"))
    if ask.account is not None:
        return ask.go(back)
    return sign_in_form(ask, back)


@area.act("/sign-in", Action.SIGN_IN)
def sign_in(ask: Asked) -> Response:
    """Let someone in by name and password."""
    back = local_path(ask.text("next") or "/")
    password = ask.form.get("password", "")
    try:
        account = ask.system.entrance.sign_in(ask.text("name"), str(password), ask.text("code"), ask.knock)
    except (SignInRefused, SecondFactorWanted, TooManyTries) as refusal:
        return sign_in_form(ask, back, refusal)
    answer = welcome(ask, account, back)
    ask.remember(answer, DEVICE, ask.system.entrance.device_cookie(account.name))
    return answer


@area.act("/sign-out", Action.OWN_ACCOUNT)
def sign_out(ask: Asked) -> Response:
    """End the session."""
    assert ask.session is not None
    session, account = ask.session, ask.someone
    ask.system.entrance.sign_out(session, account.person)
    answer = farewell(ask, account, session) or ask.go("/sign-in")
    answer.delete_cookie(session_cookie(secure=ask.secure), path="/", secure=ask.secure, httponly=True)
    answer.headers["clear-site-data"] = '"cache"'
    return answer


@area.act("/language", Action.SIGN_IN)
def speak(ask: Asked) -> Response:
    """Choose the language of the pages."""
    chosen = ask.text("language") if ask.text("language") in words.LANGUAGES else "en"
    if ask.account is not None:
        ask.system.access.set_language(ask.account.name, chosen)
    answer = ask.go(local_path(ask.text("back") or "/"))
    ask.remember(answer, LANGUAGE, chosen)
    return answer
