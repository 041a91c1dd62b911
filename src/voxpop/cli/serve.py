"""``voxpop serve``: the portal, the API and the worker."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, say, show
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Unavailable

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from voxpop.web.notebooks.desk import Desk
    from voxpop.wiring.settings import Web
    from voxpop.wiring.system import System
    from voxpop.worker.foreman import Foreman


STOPPED = "stopped; what was being done goes on at the next start"


_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


class PortTaken(Unavailable):
    """Another program listens where we should."""

    code = "port-taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"nothing can listen on {host} port {port}: another program does, or may not; use --port")


def add_commands(app: typer.Typer) -> None:
    """Put ``serve`` at the top level."""
    app.command()(serve)


def serve(
    work: WorkOption = DEFAULT_WORK,
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default this machine alone.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Answer only; `voxpop worker --stay` elsewhere does the work.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve the portal and the API, and do the work that is asked for, until it is stopped."""
    import uvicorn

    from voxpop.demo.people import kept_passwords
    from voxpop.web.app import create_app
    from voxpop.web.notebooks.proxy import MOST_IN_A_MESSAGE
    from voxpop.wiring.telemetry import send_traces

    system = opened(work, create=True)
    send_traces("voxpop")
    _ = system.providers  # a secret that cannot be read is told now, not at the first sign-in
    web = system.settings.web
    host, port = host or web.host, web.port if port is None else port
    lost = threading.Event()
    with ExitStack() as until_the_end:
        listener = until_the_end.enter_context(_listening(host, port))
        address = f"http://{host if ':' not in host else f'[{host}]'}:{listener.getsockname()[1]}"
        if not no_worker:
            foreman = until_the_end.enter_context(working(system, "serve"))
            threading.Thread(target=_take_work, args=(foreman, lost), name="foreman", daemon=True).start()
        url = web.base_url or f"{address}/"
        notebooks = until_the_end.enter_context(_notebooks(system, host))
        app = create_app(system, hosts=[host], notebooks=notebooks.desk if notebooks else None)
        config = _config(app, web, most_in_a_message=64 * 1024)
        passwords = kept_passwords(system)
        if not system.access.every():
            say(f"nobody can sign in to '{work}' yet: `voxpop user add` makes an account; or is it another --work?")
        if host not in _THIS_MACHINE and not web.base_url.startswith("https://"):
            say(
                "others can reach this without TLS: put a reverse proxy before it, and name its address as web.base_url"
            )
        shown: dict[str, Json] = dict(passwords) if as_json else {}
        sign_ins = "".join(f"\n  {name:<8} {word}" for name, word in passwords.items())
        also = f"\nthe demo's people, and their passwords:{sign_ins}" if sign_ins else ""
        show({"url": url, "sign_in": shown}, f"voxpop serves {url}{also}\nstop it with Ctrl-C", as_json=as_json)
        sys.stdout.flush()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)  # uvicorn hears them, and hands them back when it has ended
        if notebooks:
            notebooks.serve_beside(_config(notebooks.app, web, most_in_a_message=MOST_IN_A_MESSAGE))
        uvicorn.Server(config).run(sockets=[listener])
    end_at_once(STOPPED, code=int(lost.is_set()))


def _config(app: "ASGIApp", web: "Web", *, most_in_a_message: int) -> "uvicorn.Config":
    import uvicorn

    from voxpop.web.listening import PatientProtocol

    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=PatientProtocol,
        server_header=False,
        timeout_keep_alive=15,
        limit_concurrency=2000,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=32 * 1024,
        ws_max_size=most_in_a_message,
        proxy_headers=bool(web.proxies),
        forwarded_allow_ips=web.proxies or None,
    )


@dataclass(frozen=True, slots=True)
class _Notebooks:
    """Notebooks, and where they are listened for: beside the portal, in a thread that ends with us."""

    desk: "Desk"
    app: "ASGIApp"
    listener: socket.socket

    def serve_beside(self, config: "uvicorn.Config") -> None:
        import uvicorn

        run = uvicorn.Server(config).run
        threading.Thread(target=run, kwargs={"sockets": [self.listener]}, name="notebooks", daemon=True).start()


@contextmanager
def _notebooks(system: "System", host: str) -> Iterator[_Notebooks | None]:
    """Hold notebooks while the block runs; none where a reverse proxy shows the portal and was told nothing of them."""
    from voxpop.web.app import create_notebooks
    from voxpop.web.notebooks.desk import Desk
    from voxpop.wiring.terminals import terminals

    web = system.settings.web
    if web.base_url and not web.notebook_url:
        yield None
        return
    with (
        _listening(host, web.notebook_port) as listener,
        Desk(terminals(system).open_notebook, listener.getsockname()[1], web.notebook_url) as desk,
    ):
        yield _Notebooks(desk, create_notebooks(system, desk, [host]), listener)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as taken:
        raise PortTaken(host, port) from taken
    with listener:
        yield listener


@contextmanager
def working(system: "System", command: str) -> Iterator["Foreman"]:
    """Be the worker of a work folder, or one of several on PostgreSQL, while the block runs.

    Parameters
    ----------
    command : str
        As it is told to who finds the folder held.
    """
    from voxpop.demo.hosting import demo_archive
    from voxpop.kernel.progress import Silent
    from voxpop.worker import workflows
    from voxpop.worker.foreman import Foreman
    from voxpop.worker.runtime import launched

    with ExitStack() as until_the_end:
        if not system.workers.several:
            until_the_end.enter_context(system.work.held(command))
        if not system.attended() or not system.workers.several:  # who came first hosts it
            until_the_end.enter_context(demo_archive(system))
        runtime = until_the_end.enter_context(launched(system, Silent(), staying=True))
        foreman = Foreman(system, runtime, hands=system.settings.workers)
        try:
            yield foreman
        finally:
            foreman.stop()
            workflows.halt()


def end_at_once(sentence: str, code: int = 0) -> NoReturn:
    """End without waiting for threads of durable work: each step may be cut off, as by a kill."""
    say(sentence)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _take_work(foreman: "Foreman", lost: threading.Event) -> None:
    try:
        foreman.work()
    except Unavailable as gone:  # another may do our work by now
        say(gone.sentence)
    except Exception as failure:  # its words may quote a value, so only its type is told
        say(f"the work stopped ({type(failure).__name__}): start voxpop again, and what was begun goes on")
    else:
        return
    lost.set()  # so that whoever started us starts us again
    os.kill(os.getpid(), signal.SIGTERM)
