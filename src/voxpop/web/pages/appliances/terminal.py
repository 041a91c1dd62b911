"""A terminal over a WebSocket: bytes of the shell both ways, for as long as the session and the right last."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from voxpop.appliance.terminals import Terminal
from voxpop.kernel.errors import VoxpopError
from voxpop.kernel.ids import ApplianceId
from voxpop.web.ask import Ask
from voxpop.web.notebooks.guests import may_be_on
from voxpop.wiring.terminals import terminals

FIRST_SIZE = (24, 80)
LOOK_EVERY_S = 3.0
MOST_FOR_ONE = 4
_MOST_ROWS = 500
ENDED = "The shell has ended."
NOT_ANY_MORE = "You have signed out, or your right to this terminal has ended."
TOO_MANY = "You have too many terminals open: close one first."


@dataclass(slots=True)
class Visit:
    """One person's terminal and what it depends on."""

    ask: Ask
    socket: WebSocket
    terminal: Terminal
    appliance: ApplianceId


async def converse(ask: Ask, socket: WebSocket, appliance: ApplianceId) -> None:
    """Connect a person to a shell until one of them ends it, or the right to it does."""
    await socket.accept()
    here: Counter[str] = socket.app.state.terminals
    name = ask.someone.name
    if here[name] >= MOST_FOR_ONE:
        await _say(socket, TOO_MANY)
        return
    here[name] += 1
    try:
        terminal = await run_in_threadpool(terminals(ask.system).open, appliance, name, ask.person, FIRST_SIZE)
    except VoxpopError as refusal:
        await _say(socket, refusal.sentence)
        return
    else:
        await _talk(Visit(ask, socket, terminal, appliance))
    finally:
        here[name] -= 1


async def _talk(visit: Visit) -> None:
    tasks = [asyncio.create_task(part(visit)) for part in (_from_shell, _to_shell, _while_allowed)]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        sentence = next(iter(ended)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await run_in_threadpool(visit.terminal.close)
    if sentence:
        await _say(visit.socket, sentence)


async def _from_shell(visit: Visit) -> str:
    loop, ready, descriptor = asyncio.get_running_loop(), asyncio.Event(), visit.terminal.fileno()
    loop.add_reader(descriptor, ready.set)
    try:
        while True:
            await ready.wait()
            ready.clear()
            written = visit.terminal.read(0)
            if written == b"":
                return ENDED
            if written:
                await visit.socket.send_bytes(written)
    finally:
        loop.remove_reader(descriptor)


async def _to_shell(visit: Visit) -> str:
    try:
        while True:
            message = await visit.socket.receive()
            if message["type"] == "websocket.disconnect":
                return ""
            keys = message.get("bytes")
            if keys:
                await run_in_threadpool(_type, visit.terminal, keys)
            elif message.get("text"):
                _resize(visit.terminal, message["text"])
    except WebSocketDisconnect:
        return ""


async def _while_allowed(visit: Visit) -> str:
    while await run_in_threadpool(_allowed, visit):
        await asyncio.sleep(LOOK_EVERY_S)
    return NOT_ANY_MORE


def _allowed(visit: Visit) -> bool:
    """Say whether the session still lives and the right still stands, as they are written down now."""
    session = visit.ask.session
    lives = session is not None and visit.ask.system.entrance.lives(session.digest)
    return lives and may_be_on(visit.ask.system, visit.ask.someone.name, visit.appliance)


def _type(terminal: Terminal, keys: bytes) -> None:
    while keys and terminal.alive:
        keys = keys[terminal.write(keys) :]


def _resize(terminal: Terminal, text: str) -> None:
    try:
        rows, columns = json.loads(text)["resize"]
        terminal.resize(min(max(int(rows), 1), _MOST_ROWS), min(max(int(columns), 1), _MOST_ROWS))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):  # all that JSON of a stranger can be
        return


async def _say(socket: WebSocket, sentence: str) -> None:
    try:
        await socket.send_text(json.dumps({"said": sentence}))
        await socket.close()
    except (RuntimeError, WebSocketDisconnect):
        return  # whoever was to hear it has gone
