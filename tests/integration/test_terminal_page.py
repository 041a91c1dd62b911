"""The terminal's island in a real browser, against a socket that answers as the server does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from tests.viewer_page import STATIC, chromium, running

pytestmark = pytest.mark.needs("chromium")
LONG_S = 30.0
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Terminal</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/vendor/xterm-xterm-6.0.0/xterm.css">
</head><body><main><h1>Terminal</h1><button>before</button>
<div id="terminal" data-socket="/socket" style="block-size: 300px"></div>
<p id="terminal-status" role="status"></p><button id="after">after</button>
</main><script type="module" src="/static/terminal.js"></script></body></html>"""


class Shell:
    """Writes down what comes, and sends what it is told to."""

    def __init__(self) -> None:
        self.heard: Queue[dict[str, object]] = Queue()

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_bytes("prompt-\u00e9$ ".encode())
        while (message := await socket.receive())["type"] == "websocket.receive":
            self.heard.put(dict(message))
            if message.get("bytes") == b"x":
                await socket.send_text(json.dumps({"said": "The <b>shell</b> has ended."}))
                await socket.close()
                return

    def next(self, kind: str) -> object:
        """Return the next frame of a kind."""
        while True:
            value = self.heard.get(timeout=LONG_S).get(kind)
            if value is not None:
                return value


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@contextmanager
def _opened(browser: Browser) -> Iterator[tuple[Page, Shell]]:
    shell = Shell()
    complaints: list[str] = []

    def page_of(request: Request) -> Response:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})

    routes = [
        Route("/", page_of),
        WebSocketRoute("/socket", shell.talk),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    with running(Starlette(routes=routes)) as address:
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#terminal[data-state=open]")
        yield page, shell
        page.close()
    assert complaints == []


def test_bytes_go_both_ways_and_the_size_is_told(browser: Browser) -> None:
    with _opened(browser) as (page, shell):
        rows, columns = json.loads(str(shell.next("text")))["resize"]
        assert rows > 5
        assert columns > 20
        expect(page.locator(".xterm-accessibility")).to_contain_text("prompt-\u00e9$")
        page.keyboard.press("a")
        assert shell.next("bytes") == b"a"
        page.keyboard.press("Control+c")
        assert shell.next("bytes") == b"\x03"
        page.keyboard.press("Tab")
        assert shell.next("bytes") == b"\t"
        page.set_viewport_size({"width": 700, "height": 500})
        assert json.loads(str(shell.next("text")))["resize"][1] < columns


def test_the_keyboard_can_leave(browser: Browser) -> None:
    with _opened(browser) as (page, _):
        expect(page.locator("#terminal-status")).to_contain_text("Control, Shift and Q")
        page.keyboard.press("Control+Shift+Q")
        assert page.evaluate("document.activeElement.id") == "terminal-status"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "after"


def test_what_the_server_says_last_stands_as_text(browser: Browser) -> None:
    with _opened(browser) as (page, _):
        page.keyboard.press("x")
        page.wait_for_selector("#terminal[data-state=closed]")
        expect(page.locator("#terminal-status")).to_have_text("The <b>shell</b> has ended.")
        assert page.get_by_label("Terminal", exact=True).count() == 1
