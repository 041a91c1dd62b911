"""A request that changes something, sent twice under one key, is done once and answered the same.

Notes
-----
IETF draft "The Idempotency-Key HTTP Header Field". What failed on our side is not kept, so it may be tried again.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from voxpop.kernel.digests import sha256_bytes, sha256_json
from voxpop.kernel.errors import VoxpopError
from voxpop.store.answers import KeptAnswer
from voxpop.web.answers import problem
from voxpop.web.api.guard import Call
from voxpop.web.errors import TooLarge, status_of
from voxpop.web.shield import MOST_BYTES

KEY = r"^[!-~]{1,80}$"
REPLAYED = "idempotency-replayed"
_KEY = re.compile(KEY)
_OURS = 500

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=KEY,
        description="A new random word for each thing to be done; the same again is answered the same for 24 hours.",
    ),
]


def documented(key: IdempotencyKey = None) -> None:
    """Let the document say that there is such a header, and refuse one that is none."""
    del key


async def once(call: Call, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer a request, or give the answer that its key was given before."""
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):  # none, or one that is refused with the rest of the request
        return await answer(request)
    account, answers = call.account.name, call.system.answers
    digest = await _digest(request)
    kept = await run_in_threadpool(answers.claim, account, key, digest)
    if kept is not None:
        return _again(kept)
    try:
        given = await _given(request, answer)
    except BaseException:
        await run_in_threadpool(answers.drop, account, key)
        raise
    if given.status_code >= _OURS:
        await run_in_threadpool(answers.drop, account, key)
    else:
        await run_in_threadpool(answers.keep, account, key, _kept(given))
    return given


async def _digest(request: Request) -> str:
    try:
        body = await request.body()
    except ClientDisconnect as cut:
        raise TooLarge(MOST_BYTES) from cut
    kind = request.headers.get("content-type", "")
    return sha256_json([request.method, request.url.path, request.url.query, kind, sha256_bytes(body)])


async def _given(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await answer(request)
    except VoxpopError as refusal:
        if status_of(refusal) >= _OURS:
            raise
        return problem(refusal)


def _kept(given: Response) -> KeptAnswer:
    body = bytes(given.body).decode()
    return KeptAnswer(given.status_code, given.headers.get("content-type", ""), given.headers.get("location", ""), body)


def _again(kept: KeptAnswer) -> Response:
    headers = {REPLAYED: "true", **({"location": kept.location} if kept.location else {})}
    if kept.media_type:
        headers["content-type"] = kept.media_type
    return Response(kept.body, kept.status, headers)
