"""A slice of the API: its routes, each with its row in the permission table, and what each may be answered with."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from voxpop.access.permissions import Action
from voxpop.kernel.digests import sha256_bytes
from voxpop.kernel.errors import Invalid
from voxpop.web.answers import problem
from voxpop.web.api import idempotency
from voxpop.web.api.guard import Call, Stale, Wanted, admit
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.area import GUARDED

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Extra = dict[str, Any]
PREFIX = "/api/v1"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OK = 200
PROBLEMS: dict[int | str, Extra] = {
    400: {"description": "The request cannot be read.", "content": _PROBLEM},
    401: {"description": "No token was brought, or none that holds.", "content": _PROBLEM},
    403: {"description": "The account's role, or the token's scopes, do not allow it.", "content": _PROBLEM},
    404: {"description": "It is not there, or may not be seen.", "content": _PROBLEM},
    409: {"description": "Understood, and not allowed as things stand.", "content": _PROBLEM},
    413: {"description": "The request is too large.", "content": _PROBLEM},
    415: {"description": "What was sent is not of the kind that is taken here.", "content": _PROBLEM},
    422: {"description": "What was given is wrong: mend it.", "content": _PROBLEM},
    429: {"description": "Too many requests: wait as `Retry-After` says.", "content": _PROBLEM},
    503: {"description": "A part outside did not answer: try again later.", "content": _PROBLEM},
}
NOT_MODIFIED: dict[int | str, Extra] = {304: {"description": "It is as `If-None-Match` says."}}
STALE: dict[int | str, Extra] = {412: {"description": "It is not as `If-Match` says.", "content": _PROBLEM}}


@dataclass(frozen=True, slots=True)
class Form:
    """How a route answers.

    Parameters
    ----------
    status : int
        Of an answer that is no problem.
    tagged : bool
        Whether the answer has an ETag made from its content.
    responses : mapping
        What else it may answer with.
    extra : mapping
        What else the document says of it.
    response_class : type of Response or None
        None for JSON.
    """

    status: int = _OK
    tagged: bool = False
    responses: dict[int | str, Extra] | None = None
    extra: Extra | None = None
    response_class: type[Response] | None = None


PLAIN = Form()
TAGGED = Form(tagged=True, responses=NOT_MODIFIED)


def called(request: Request) -> Call:
    """Return the call that the guard has let through."""
    call: Call = request.state.call
    return call


Called = Annotated[Call, Depends(called)]


class ApiArea:
    """One module of the API.

    Parameters
    ----------
    tag : str
        What the document groups its operations by.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.router = APIRouter(prefix=PREFIX, tags=[tag])

    def read(
        self, path: str, action: Action, of: str = "", *, form: Form = PLAIN, seen_by: Action | None = None
    ) -> Callable[[Endpoint], Endpoint]:
        """Answer a request that only reads; parameters as ``Wanted`` and ``Form`` have them."""
        return self._route("GET", path, Wanted(action, of, reads=True, seen_by=seen_by), form)

    def act(
        self, path: str, action: Action, of: str = "", *, form: Form = PLAIN, seen_by: Action | None = None
    ) -> Callable[[Endpoint], Endpoint]:
        """Answer a request that changes something."""
        return self._route("POST", path, Wanted(action, of, reads=False, seen_by=seen_by), form)

    def look(self, path: str, action: Action, of: str = "", *, form: Form = PLAIN) -> Callable[[Endpoint], Endpoint]:
        """Answer a question that is too long for an address, and changes nothing."""
        return self._route("POST", path, Wanted(action, of, reads=True), form)

    def put(self, path: str, action: Action, of: str = "", *, form: Form = PLAIN) -> Callable[[Endpoint], Endpoint]:
        """Answer a request that replaces something."""
        return self._route("PUT", path, Wanted(action, of, reads=False), form)

    def delete(self, path: str, action: Action, of: str = "", *, form: Form = PLAIN) -> Callable[[Endpoint], Endpoint]:
        """Answer a request that takes something away."""
        return self._route("DELETE", path, Wanted(action, of, reads=False), form)

    def _route(self, method: str, path: str, wanted: Wanted, form: Form) -> Callable[[Endpoint], Endpoint]:
        def add(endpoint: Endpoint) -> Endpoint:
            more: dict[str, Any] = {"response_class": form.response_class} if form.response_class else {}
            self.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                operation_id=endpoint.__name__,
                summary=(endpoint.__doc__ or "").strip().partition("\n")[0].rstrip("."),
                dependencies=[Depends(idempotency.documented)] if method == "POST" else [],
                status_code=form.status,
                responses={**PROBLEMS, **(form.responses or {})},
                openapi_extra={GUARDED: wanted.action.value, **(form.extra or {})},
                route_class_override=_route_class(wanted, tagged=form.tagged),
                **more,
            )
            return endpoint

        return add


def asked_for(operation: OperationFacts, response: Response) -> OperationFacts:
    """Answer that work was asked for: where to look how it comes out."""
    response.headers["location"] = f"{PREFIX}/operations/{operation.operation}"
    return operation


ASKED_FOR = Form(
    status=202,
    responses={
        202: {
            "description": "It is asked for; `Location` says where to look how it comes out.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The operation."}},
        }
    },
)


def match(request: Request, etag: str) -> None:
    """Refuse a change of what is not as ``If-Match`` says (RFC 9110, 13.1.1)."""
    wanted = request.headers.get("if-match")
    if wanted is not None and not _named(wanted, etag):
        raise Stale


def unchanged(request: Request, etag: str) -> bool:
    """Say whether the caller has this content already (RFC 9110, 13.1.2)."""
    known = request.headers.get("if-none-match")
    return known is not None and _named(known, etag)


def _named(header: str, etag: str) -> bool:
    names = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in names or etag in names


class ParameterUnknown(Invalid):
    """An address asks by a word that is none."""

    code = "parameter-unknown"

    def __init__(self, known: Iterable[str]) -> None:
        words = ", ".join(f"`{one}`" for one in sorted(known)) or "none"
        super().__init__(f"the address asks by a parameter that there is not: there is {words}")


class KindWrong(Invalid):
    """A request brings another kind of content than is taken; answered with 415."""

    code = "kind-wrong"

    def __init__(self) -> None:
        super().__init__("this is taken as JSON alone: send it with `Content-Type: application/json`")


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _asked_by(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for part in dependant.dependencies:
        yield from _asked_by(part)


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def _check_query(request: Request, dependant: Dependant) -> None:
    """Refuse a parameter that the route does not have: a slip of the pen must not widen what is asked."""
    known = set(_asked_by(dependant))
    if not set(request.query_params) <= known:
        raise ParameterUnknown(known)


def _route_class(wanted: Wanted, *, tagged: bool) -> type[APIRoute]:
    class Guarded(APIRoute):
        """A route that asks first who calls."""

        def get_route_handler(self) -> Handler:
            """Return the handler with the guard, the idempotency key and the ETag around it."""
            answer = super().get_route_handler()
            dependant, takes_json = self.dependant, self.body_field is not None
            needs_json = self.body_field is not None and self.body_field.field_info.is_required()

            async def handle(request: Request) -> Response:
                call = await run_in_threadpool(admit, request, wanted)
                request.state.call = call
                _check_query(request, dependant)
                if takes_json and not _is_json(request) and (needs_json or _has_body(request)):
                    return problem(KindWrong(), 415)
                try:
                    if request.method == "POST":
                        return await idempotency.once(call, request, answer)
                    given = await answer(request)
                except Stale as stale:
                    return problem(stale, 412)
                return _tag(request, given) if tagged else given

            return handle

    return Guarded


def _tag(request: Request, given: Response) -> Response:
    if given.status_code != _OK:
        return given
    etag = given.headers.get("etag") or f'"{sha256_bytes(bytes(given.body))}"'
    if unchanged(request, etag):
        return Response(status_code=304, headers={"etag": etag})
    given.headers["etag"] = etag
    return given
