"""One request, once it is known who asks and that they may."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from voxpop.access.entrance import Knock
from voxpop.access.model import Account, Session, Token
from voxpop.access.permissions import READING, TABLE, Action
from voxpop.access.service import Rights
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplicationId
from voxpop.store.ledger import SubjectAbsent
from voxpop.web import words
from voxpop.web.errors import FormNotOurs, SignInWanted, status_of
from voxpop.web.refill import refilled
from voxpop.wiring.system import System

SAID = "voxpop-said"
DEVICE = "voxpop-device"
LANGUAGE = "voxpop-language"
_SAID_PURPOSE = "said"
_MOST_FIELDS = 400
_DIGITS = 9
_YEAR_S = 365 * 24 * 3600
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Ask:
    """Who asks for what, and how they are answered.

    Parameters
    ----------
    account, session : Account, Session or None
        None for whoever has not signed in.
    token : Token or None
        What a program has brought; None for a browser.
    form : FormData
        What a form sent; empty for a request that only reads.
    refusal : VoxpopError or None
        Why the form was refused, where its page is shown again.
    shown : str
        The address of the page that is shown again; empty where it is the request's own.
    """

    request: HTTPConnection
    system: System
    account: Account | None = None
    session: Session | None = None
    rights: Rights | None = None
    form: FormData = field(default_factory=FormData)
    token: Token | None = None
    refusal: VoxpopError | None = None
    shown: str = ""

    @property
    def person(self) -> str:
        """Who acts, as the audit log names them."""
        return self.someone.person

    @property
    def someone(self) -> Account:
        """The account that has signed in."""
        if self.account is None:
            raise SignInWanted
        return self.account

    @property
    def knock(self) -> Knock:
        """Who stands at the door, as far as can be seen."""
        return Knock(address_of(self.request), self.request.cookies.get(DEVICE, ""))

    def may(self, action: Action, application: ApplicationId | None = None) -> bool:
        """Say whether who asks may do something."""
        return TABLE[action].everyone or (self.rights is not None and self.rights.may(action, application))

    def scope(self, action: Action) -> frozenset[ApplicationId] | None:
        """Return the projects in which who asks may do something; None for all there are."""
        return self.rights.scope(action) if self.rights is not None else frozenset()

    def text(self, name: str) -> str:
        """Return a field of the form as text; empty where it was not sent."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Return all values of a field of the form."""
        return [value.strip() for value in self.form.getlist(name) if isinstance(value, str)]

    @property
    def here(self) -> str:
        """The address of the page that is shown, by which it can be asked for again."""
        url = self.request.url
        return self.shown or url.path + (f"?{url.query}" if url.query else "")

    def page(self, template: str, status: int = 200, /, **facts: object) -> HTMLResponse:
        """Answer with a page; where a form was refused, with what was typed into it."""
        signed = self.request.cookies.get(SAID, "")
        read = self.system.entrance.unsigned(signed, _SAID_PURPOSE) if signed else None
        said = None if read is None else unquote(read)
        text = self.request.app.state.templates.get_template(template).render(
            ask=self, may=self.may, Action=Action, said=said, **facts
        )
        if self.refusal is not None:
            text, status = refilled(text, self.request.url.path, self.form), status_of(self.refusal)
        answer = HTMLResponse(text, status)
        if said is not None:
            answer.delete_cookie(SAID, path="/")
        return answer

    def go(self, path: str, said: str = "") -> RedirectResponse:
        """Answer by sending the browser on to a page of ours, which then says a sentence."""
        answer = RedirectResponse(path, 303)
        if said:
            signed = self.system.entrance.signed(quote(said), _SAID_PURPOSE)
            answer.set_cookie(SAID, signed, max_age=60, httponly=True, samesite="lax", secure=self.secure)
        return answer

    def remember(self, answer: Response, name: str, value: str) -> None:
        """Let the browser keep something for a year."""
        answer.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=self.secure)

    @property
    def language(self) -> str:
        """The language to answer in: the account's, the browser's last choice, or what it asks for."""
        if self.account is not None and self.account.language:
            return self.account.language
        chosen = self.request.cookies.get(LANGUAGE, "")
        return chosen if chosen in words.LANGUAGES else words.preferred(self.request.headers.get("accept-language", ""))

    @property
    def secure(self) -> bool:
        """Whether the browser reaches us by TLS."""
        return self.request.url.scheme in ("https", "wss")


def session_cookie(*, secure: bool) -> str:
    """Return the name of the session's cookie; ``__Host-`` binds it to this host and to TLS (RFC 6265bis)."""
    return "__Host-voxpop" if secure else "voxpop"


def address_of(request: HTTPConnection) -> str:
    """Return the client's network address; a trusted proxy's word for it is taken by uvicorn."""
    return request.client.host if request.client else ""


def local_path(path: str) -> str:
    r"""Return a path of ours, or the front page for anything that would lead elsewhere.

    Examples
    --------
    >>> local_path("/runs/a-r1?x=1"), local_path("//evil.org"), local_path("https://evil.org"), local_path("/\\evil")
    ('/runs/a-r1?x=1', '/', '/', '/')
    """
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith("//") and not parts.scheme and not parts.netloc
    return path if inside and "\\" not in path and path.isprintable() else "/"


def number(text: str) -> int | None:
    """Return the whole number that a text is; None where it is none, or larger than any that counts something here.

    Examples
    --------
    >>> number("12"), number("-1"), number("9" * 30)
    (12, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


async def read_form(request: Request) -> None:
    """Read what a form sent, before the guard looks at it."""
    request.state.form = FormData()
    if request.method not in SAFE:
        request.state.form = await request.form(max_files=4, max_fields=_MOST_FIELDS)


def let_through(socket: WebSocket, action: Action, kind: str) -> tuple[Ask, ApplicationId] | None:
    """Return who opens a WebSocket and the project that it belongs to; None where they may not.

    A browser sends its cookies from any page, so the page must be ours: its ``Origin`` must name this host (RFC 6455,
    10.2), and a client that sends none is no browser of ours.
    """
    ask = ask_of(socket)
    origin = urlsplit(socket.headers.get("origin", ""))
    if ask.rights is None or not origin.netloc or origin.netloc != socket.headers.get("host", ""):
        return None
    try:
        application = _seen(ask, kind, socket.path_params[kind])
        ask.rights.check(action, application)
    except VoxpopError:
        return None
    return ask, application


def guard(action: Action, kind: str = "") -> Callable[[Request], None]:
    """Return the dependency that lets a request through, or not.

    Parameters
    ----------
    action : Action
        What the route does; its row in the permission table decides.
    kind : str
        The kind of thing that the path's parameter of the same name is the id of; empty for none.
    """

    def admit(request: Request) -> None:
        ask = request.state.ask = ask_of(request)
        if not TABLE[action].everyone and ask.account is None:
            raise SignInWanted
        if request.method not in SAFE:
            _check_form(ask)
        check(ask, action, kind)

    return admit


def check(ask: Ask, action: Action, kind: str = "") -> None:
    """Refuse what who asks may not do, or may not know of; parameters as ``guard`` has them."""
    application = _seen(ask, kind, ask.request.path_params[kind]) if kind else None
    if ask.rights is not None and not TABLE[action].everyone:
        ask.rights.check(action, application)


def ask_of(request: HTTPConnection) -> Ask:
    """Return who asks, by the session's cookie."""
    system: System = request.app.state.system
    ask = Ask(request, system, form=getattr(request.state, "form", FormData()))
    secret = request.cookies.get(session_cookie(secure=ask.secure), "")
    found = system.entrance.session(secret)
    if found is not None:
        ask.session, ask.account = found
        ask.rights = system.access.rights(ask.account)
    return ask


async def admitted(request: Request) -> Ask:
    """Return the request that the guard has let through, and choose the language of its answer.

    Not in a thread of the pool, whose choice would end with it.
    """
    ask: Ask = request.state.ask
    words.speak(ask.language)
    return ask


Asked = Annotated[Ask, Depends(admitted)]


def sign_in_path(request: Request) -> str:
    """Return the way to the sign-in and back again."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return sign_in_to(back) if request.method in SAFE and back != "/" else "/sign-in"


def sign_in_to(back: str) -> str:
    """Return the way to the sign-in, and from there to a page of ours."""
    return f"/sign-in?next={quote(back, safe='')}"


def _seen(ask: Ask, kind: str, name: str) -> ApplicationId:
    """Return a thing's project; what may not be read is answered as if it were not there."""
    application = ask.system.projects.of(kind, name)
    if not ask.may(READING[kind], application):
        raise SubjectAbsent(kind, name)
    return application


def _check_form(ask: Ask) -> None:
    """Refuse a form that did not come from a page of ours in this session."""
    request = ask.request
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign or site not in ("same-origin", "none"):
        raise FormNotOurs
    if ask.session is not None and ask.text("csrf") != ask.session.csrf:
        raise FormNotOurs
