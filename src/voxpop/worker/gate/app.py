"""What an appliance's front end may ask of voxpop: workers of its own, and nothing else.

It is asked on a unix socket that this appliance's front end alone sees, with a secret that is this appliance's alone.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voxpop.appliance.elastic.keeper import Keeper
from voxpop.appliance.errors import WorkersUnknown
from voxpop.kernel.errors import Invalid, Refused, Unavailable, VoxpopError
from voxpop.kernel.ids import ApplianceId

MOST_BYTES = 64 * 1024
_STATUS: Mapping[type[VoxpopError], int] = {Invalid: 422, Refused: 409, Unavailable: 503}
_SECRET = re.compile(rb"[!-~]{16,200}")


class AskedWrongly(Invalid):
    """A request that is none."""

    code = "asked-wrongly"

    def __init__(self) -> None:
        super().__init__('send {"do": "resume", "workers": ["w1"]}: one of resume, suspend, fail and state, and names')


@dataclass(frozen=True, slots=True)
class _Asked:
    verb: str
    workers: list[str]


def create_gate(appliance: ApplianceId, keeper: Keeper, secret: Path) -> Starlette:
    """Return the application that answers one appliance.

    Parameters
    ----------
    secret : Path
        A file of the secret that opens it; nobody comes in while there is none.
    """

    async def workers(request: Request) -> Response:
        if request.path_params["appliance"] != appliance or not _opens(request, secret):
            return JSONResponse({"detail": "this secret does not open that appliance"}, 403)
        body = await _body(request)
        if body is None:
            return JSONResponse({"detail": f"send at most {MOST_BYTES // 1024} KiB"}, 413)
        try:
            return JSONResponse({"workers": await run_in_threadpool(_done, keeper, body)})
        except VoxpopError as error:
            status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 500)
            return JSONResponse({"code": error.code, "detail": error.sentence}, status)

    return Starlette(routes=[Route("/appliances/{appliance}/workers", workers, methods=["POST"])])


def _done(keeper: Keeper, body: bytes) -> list[dict[str, object]]:
    """Do what is asked, and return the workers that are then there."""
    asked = _read(body)
    verbs: dict[str, Callable[[list[str]], None]] = {
        "resume": keeper.resume,
        "suspend": keeper.suspend,
        "fail": keeper.fail,
        "state": lambda names: None,
    }
    if asked.verb not in verbs:
        raise AskedWrongly
    verbs[asked.verb](asked.workers)
    return [{"name": machine.name, "up": machine.up} for machine in keeper.state()]


def _read(body: bytes) -> _Asked:
    try:
        content = json.loads(body)
        verb, workers = content["do"], content.get("workers", [])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as unreadable:
        raise AskedWrongly from unreadable
    if not isinstance(verb, str) or not isinstance(workers, list):
        raise AskedWrongly
    if not all(isinstance(name, str) for name in workers):
        raise WorkersUnknown
    return _Asked(verb, workers)


def _opens(request: Request, secret: Path) -> bool:
    try:
        kept = secret.read_bytes().strip()
    except OSError:
        return False
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not _SECRET.fullmatch(kept):
        return False
    return hmac.compare_digest(given.encode("latin-1", "replace"), kept)


async def _body(request: Request) -> bytes | None:
    """Read a body; None for one that is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return body
