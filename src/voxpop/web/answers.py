"""How an error is answered: a page for a browser, a problem document for a program (RFC 9457)."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from voxpop.access.errors import TooManyTries
from voxpop.kernel import disk
from voxpop.kernel.errors import Absent, Invalid, Refused, Unavailable, VoxpopError
from voxpop.web import words
from voxpop.web.ask import Ask, ask_of, sign_in_path
from voxpop.web.errors import UNAUTHORIZED, status_of

API = "/api/"
_log = logging.getLogger("voxpop.web")


class NotFound(Absent):
    """There is no such page."""

    code = "not-found"

    def __init__(self) -> None:
        super().__init__("there is no such page here: go to the front page and choose from there")


class MethodNotAllowed(Invalid):
    """A page does not take this method."""

    code = "method-not-allowed"

    def __init__(self) -> None:
        super().__init__("this address does not take that method: see the API's document for those it takes")


class Unexpected(Unavailable):
    """Something broke that is not ours to read."""

    code = "unexpected"

    def __init__(self) -> None:
        super().__init__("something went wrong here; nothing was lost: try again, and tell us the time if it stays")


class DiskFull(Unavailable):
    """There is no room left."""

    code = "disk-full"

    def __init__(self) -> None:
        super().__init__("the disk is full: tell the technical manager; what was finished is kept")


class RequestInvalid(Invalid):
    """A request is not as the API's document says."""

    code = "request-invalid"


def answer_errors(app: FastAPI) -> None:
    """Let an application answer every error in one of the two ways."""
    app.add_exception_handler(VoxpopError, _refusal)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _plain)


def problem(error: VoxpopError, status: int | None = None) -> JSONResponse:
    """Return an error as a problem document."""
    number = status or status_of(error)
    body = {"type": f"urn:voxpop:{error.code}", "title": error.sentence, "status": number, "code": error.code}
    answer = JSONResponse(body, number, media_type="application/problem+json")
    if isinstance(error, TooManyTries):
        answer.headers["retry-after"] = str(max(1, error.wait_s))
    if number == UNAUTHORIZED:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, VoxpopError)
    return _answer(request, error, status_of(error))


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0] if error.errors() else {"loc": (), "msg": "it cannot be read"}
    place = ".".join(str(one) for one in first["loc"])
    return _answer(request, RequestInvalid(f"the request's {place} is wrong: {first['msg']}"), 422)


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known: dict[int, VoxpopError] = {404: NotFound(), 405: MethodNotAllowed()}
    answer = _answer(request, known.get(error.status_code, RequestInvalid(str(error.detail))), error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def unexpected(request: Request, error: Exception) -> Response:
    """Answer an error that is not ours; its words may quote a value, so the log has its type and its place alone."""
    if disk.is_full(error):
        return _answer(request, DiskFull(), 503)
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_globals.get('__name__', '?')}:{last.tb_lineno}" if last else "?"
    _log.error("a request stopped: %s at %s", type(error).__name__, place)
    return _answer(request, Unexpected(), 500)


def _answer(request: Request, error: VoxpopError, status: int) -> Response:
    if request.url.path.startswith(API) or getattr(request.state, "wants_problems", False):
        return problem(error, status)
    if status == UNAUTHORIZED:
        return RedirectResponse(sign_in_path(request), 303)
    if not isinstance(error, (Refused, Invalid, Absent, Unavailable)):
        error = Unexpected()
    ask = _asking(request)
    words.speak(ask.language)
    return ask.page("error.html", status, error=error, status_code=status)


def _asking(request: Request) -> Ask:
    """Return who asked, as the guard found them; nobody where the database cannot tell, or this answer would fail."""
    try:
        return getattr(request.state, "ask", None) or ask_of(request)
    except Exception:  # whatever it is, the error that is being answered was there first
        return Ask(request, request.app.state.system)
