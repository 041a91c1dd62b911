"""Signing in and out with OpenID providers.

A form's answer must not lead to another origin: browsers hold ``form-action 'self'`` against every redirect that
follows a form. So a link leads to the provider, and a page of ours, which goes on by itself, leads to its sign-out.

Notes
-----
Content Security Policy Level 3, 6.4.1 (form-action). OpenID Connect RP-Initiated Logout 1.0; Back-Channel Logout 1.0.
"""

from fastapi.responses import JSONResponse, RedirectResponse, Response

from voxpop.access.errors import IdentityRefused, SignInStale
from voxpop.access.model import Account, Session
from voxpop.access.permissions import Action
from voxpop.access.ports import Answer
from voxpop.kernel.errors import Unavailable, VoxpopError
from voxpop.web.ask import Ask, Asked, local_path
from voxpop.web.pages.sign_in.door import area, sign_in_form, welcome

_PENDING_S = 600
_SIGN_OUT = "sign-out"
_OUT = "/sign-in/signed-out"


@area.page("/sign-in/with/{provider}", Action.SIGN_IN)
def begin(ask: Asked, provider: str) -> Response:
    """Send someone to a provider."""
    back = local_path(ask.request.query_params.get("next", "/"))
    if ask.account is not None:
        return ask.go(back)
    try:
        there, kept = ask.system.providers.begin(provider, back, _return_uri(ask, provider), ask.knock)
    except Unavailable as refusal:
        return sign_in_form(ask, back, refusal)
    answer = RedirectResponse(there, 303)
    # lax, since the provider sends the browser back; bound to this host where there is TLS
    answer.set_cookie(
        _pending(secure=ask.secure), kept, max_age=_PENDING_S, httponly=True, samesite="lax", secure=ask.secure
    )
    return answer


@area.page("/sign-in/with/{provider}/return", Action.SIGN_IN)
def finish(ask: Asked, provider: str) -> Response:
    """Let someone in who is back from a provider."""
    sent, kept = ask.request.query_params, ask.request.cookies.get(_pending(secure=ask.secure), "")
    brought = Answer(sent.get("state", ""), sent.get("code", ""), sent.get("iss", ""), sent.get("error", ""))
    try:
        arrival = ask.system.providers.finish(provider, brought, kept, _return_uri(ask, provider), ask.knock)
        answer = welcome(ask, arrival.account, arrival.back, arrival.id_token)
    except VoxpopError as refusal:
        answer = sign_in_form(ask, ask.system.providers.back_of(kept), refusal)
    answer.delete_cookie(_pending(secure=ask.secure), path="/", httponly=True, secure=ask.secure)
    return answer


@area.act("/sign-in/with/{provider}/logout", Action.SIGN_IN)
def ended(ask: Asked, provider: str) -> Response:
    """Take a provider's word that someone has signed out there; the provider itself sends it."""
    try:
        ask.system.providers.ended(provider, ask.text("logout_token"))
    except (IdentityRefused, SignInStale) as refusal:
        return JSONResponse({"error": "invalid_request", "error_description": refusal.sentence}, 400)
    return Response(status_code=200)


@area.page(_OUT, Action.SIGN_IN)
def signed_out(ask: Asked) -> Response:
    """Say that someone is back from the provider's sign-out."""
    title = ask.system.entrance.unsigned(ask.request.query_params.get("state", ""), _SIGN_OUT)
    return ask.page("sign_in/signed_out.html", title=title or "")


def farewell(ask: Ask, account: Account, session: Session) -> Response | None:
    """Return the page that leads to the provider's sign-out; None where there is nowhere to go."""
    title = ask.system.providers.title_of(account)
    state = ask.system.entrance.signed(title, _SIGN_OUT)
    try:
        there = ask.system.providers.leave(account, session, _own(ask, _OUT), state)
    except Unavailable:
        return ask.go("/sign-in", f"you have signed out here; {title} does not answer, and may still know you")
    if not there:
        return None
    ask.account = ask.session = ask.rights = None
    return ask.page("sign_in/leave.html", there=there, title=title)


def _return_uri(ask: Ask, provider: str) -> str:
    return _own(ask, f"/sign-in/with/{provider}/return")


def _own(ask: Ask, path: str) -> str:
    """Return an address of ours, as the browser knows us."""
    return (ask.system.settings.web.base_url or str(ask.request.base_url)).rstrip("/") + path


def _pending(*, secure: bool) -> str:
    return "__Host-voxpop-pending" if secure else "voxpop-pending"
