"""The serving process: reads the folders, listens on both wires, and ends when it is told to or its parent is gone."""

import asyncio
import signal
import socket
import threading
from multiprocessing.connection import Connection

import uvicorn

from voxpop.demo.archive.dicomweb import web_application
from voxpop.demo.archive.dimse import serve_dimse
from voxpop.demo.archive.headers import read_folders
from voxpop.demo.archive.index import Index
from voxpop.demo.archive.model import Ingest, Order, Ready
from voxpop.demo.lifeline import die_with_parent


def serve(order: Order, line: Connection) -> None:
    """Serve until the other end of the line sends anything or is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us in order
    die_with_parent()
    order.workdir.mkdir(parents=True, exist_ok=True)
    index = Index()
    instances, left_out = read_folders((*order.folders, order.workdir / "received"))
    for instance in instances:
        index.add(instance)
    dicom = serve_dimse(order, index)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    settings = uvicorn.Config(
        web_application(index, order.faults), log_config=None, access_log=False, lifespan="off", timeout_keep_alive=60
    )
    web = uvicorn.Server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(web.serve(sockets=[listener])), name="dicomweb", daemon=True)
    thread.start()
    ingest = Ingest(len(instances), tuple(left_out))
    line.send(Ready(int(dicom.server_address[1]), int(listener.getsockname()[1]), ingest))
    _wait(line)
    web.should_exit = web.force_exit = True
    dicom.shutdown()
    thread.join(timeout=2)


def _wait(line: Connection) -> None:
    try:
        line.recv()
    except EOFError:
        return
