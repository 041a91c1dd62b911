"""Kill `voxpop serve`, web and worker together, under load, again and again; count what was answered and then lost.

python benchmarks/portal_kills.py --times 50
"""

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.bank import PROJECT, RUN, VOLUME, Bank, bank_with_results

CLIENTS = 4
UP_S = 60.0


@dataclass
class Told:
    """What was answered with success, and must be there afterwards."""

    remarks: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    verifications: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client(threading.Thread):
    """Someone who writes without pause, and notes what was answered."""

    def __init__(self, bank: Bank, url: str, number: int, told: Told) -> None:
        super().__init__(daemon=True)
        secret, session = bank.system.entrance.begin(bank.system.access.get("ada"))
        keeper, keepers = bank.system.entrance.begin(bank.system.access.get("dolores"))
        self._ada, self._csrf = {"voxpop": secret}, session.csrf
        self._dolores, self._keepers = {"voxpop": keeper}, keepers.csrf
        self._url, self._number, self._told = url, number, told
        self._count = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._write()
            except httpx.HTTPError:
                self.over.wait(0.05)

    def _write(self) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            while not self.over.is_set():
                self._count += 1
                text = f"remark {self._number}-{self._count}"
                data = {"csrf": self._csrf, "remark": text}
                answer = client.post(f"/applications/{PROJECT}/remarks", data=data, cookies=self._ada)
                self._note(answer, text)
                if self._count % 20 == 0:
                    data = {"csrf": self._keepers}
                    answer = client.post(f"/volumes/{VOLUME}/verify", data=data, cookies=self._dolores)
                    self._told.verifications += answer.status_code == httpx.codes.SEE_OTHER

    def _note(self, answer: httpx.Response, text: str) -> None:
        with self._told.lock:
            if answer.status_code == httpx.codes.SEE_OTHER:
                self._told.remarks.add(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), options.times, random.Random(options.seed))


def measure(folder: Path, times: int, chance: random.Random) -> int:
    bank = bank_with_results(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url, told = f"http://127.0.0.1:{port}", Told()
    clients = [Client(bank, url, number, told) for number in range(CLIENTS)]
    server = started(bank, port, url)
    for client in clients:
        client.start()
    for _ in range(times):
        time.sleep(chance.uniform(0.3, 2.0))
        server.send_signal(signal.SIGKILL)
        server.wait()
        server = started(bank, port, url)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join()
    lost = told.remarks - {one.text for one in bank.system.applications.remarks(PROJECT)}
    stuck = still_open(bank)
    server.send_signal(signal.SIGTERM)
    server.wait()
    faults = bank.system.ledger.verify()
    print(
        f"killed {times} times; answered with success: {len(told.remarks)} remarks, {told.verifications} verifications"
    )
    print(f"lost: {len(lost)}; work still open: {stuck}; faults of the audit log: {len(faults)}")
    assert bank.system.runs.record(RUN).run == RUN
    return 1 if lost or stuck or faults else 0


def started(bank: Bank, port: int, url: str) -> "subprocess.Popen[bytes]":
    """Start the service and wait until it answers."""
    command = [sys.executable, "-m", "voxpop", "serve", "--work", str(bank.system.work.root), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    late = time.monotonic() + UP_S
    while time.monotonic() < late:
        try:
            if httpx.get(f"{url}/healthz", timeout=2).status_code == httpx.codes.OK:
                return server
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("voxpop serve did not come up")


def still_open(bank: Bank) -> int:
    """Count the work that was asked for and does not end within a minute."""
    late = time.monotonic() + UP_S
    while time.monotonic() < late:
        waiting = [one for one in bank.system.operations.of_subjects([f"volume:{VOLUME}"]) if one.open]
        if not waiting:
            return 0
        time.sleep(0.2)
    return len(waiting)


if __name__ == "__main__":
    sys.exit(main())
