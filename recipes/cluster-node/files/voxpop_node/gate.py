"""Asking voxpop for workers, by the gate that the front end sees: HTTP over a unix socket."""

import http.client
import json
import logging
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from voxpop_node.card import Card, Unfit
from voxpop_node.slurm import expanded

SOCKET = Path("/run/voxpop/gate/gate.sock")
KEY = Path("/run/voxpop/gate.key")
LOG = Path("/var/log/voxpop-gate.log")
_ANSWER_S = 60.0  # a site may have to make machines before it answers
_PAUSE_S = 1.0
_log = logging.getLogger("voxpop.gate")


class _Gate(http.client.HTTPConnection):
    """A connection to the gate's socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("gate", timeout=_ANSWER_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(card: Card, verb: str, names: str) -> int:
    """Ask for workers, or tell that they are not needed or never came; returns an exit code.

    Parameters
    ----------
    names : str
        A list of hosts as Slurm writes it.

    Notes
    -----
    While nobody answers, it is asked again for as long as a worker may take to begin: voxpop may be starting.
    """
    logging.basicConfig(filename=LOG, format="%(asctime)s %(message)s", level=logging.INFO)
    workers = expanded(names)
    asked = _until_answered(card, verb, workers)
    if verb == "fail":  # Slurm calls no SuspendProgram for a worker that never came, and leaves it down
        subprocess.run(["scontrol", "update", f"nodename={names}", "state=resume"], check=False, capture_output=True)
    return 0 if asked else 1


def _until_answered(card: Card, verb: str, workers: Sequence[str]) -> bool:
    end = time.monotonic() + card.boot_s
    while True:
        try:
            status = _post(f"/appliances/{card.appliance}/workers", {"do": verb, "workers": list(workers)})
        except (OSError, http.client.HTTPException) as silent:
            status = 0
            _log.info("%s %s: nobody answers (%s)", verb, ",".join(workers), type(silent).__name__)
        else:
            _log.info("%s %s: %d", verb, ",".join(workers), status)
        if status and status < 500:  # who says no means it
            return status < 300
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_S)


def _post(path: str, content: dict[str, object]) -> int:
    gate = _Gate(SOCKET)
    headers = {"Authorization": f"Bearer {_key()}", "Content-Type": "application/json"}
    try:
        gate.request("POST", path, json.dumps(content), headers)
        answer = gate.getresponse()
        answer.read()
        return answer.status
    finally:
        gate.close()


def _key() -> str:
    try:
        return KEY.read_text(encoding="ascii").strip()
    except OSError as missing:
        raise Unfit(f"{KEY} can't be read: deploy again") from missing
