"""An Infrastructure Manager in memory, by REST on 127.0.0.1: what users see of the real one, and faults at will."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from ruamel.yaml import YAML

from voxpop.appliance.ports import Said
from voxpop.backends.site.im.front_end import FrontEnd

_KEYS = '    "msg": [\n        "ssh-ed25519 AAAAC3Nza front",\n    ]\n'
_TOLD = f"TASK [voxpop host key] ****\nok: [127.0.0.1_0] => {{\n{_KEYS}}}\n\nPLAY RECAP ***\n"
_NETWORK = {"class": "network", "id": "public_net", "outbound": "yes", "outports": "4711-22"}
_GROUP = """\
network private_network (  )
network public_net ( outbound = 'yes' )
system worker_node (
instance_name = 'worker_node' and
net_interface.0.dns_name = 'w#N#' and
net_interface.0.connection = 'private_network'
)
"""


@dataclass
class Infrastructure:
    """What is kept of one."""

    owners: set[str]
    document: str
    machines: dict[str, dict[str, Any]]
    state: str = "running"
    log: str = ""


@dataclass
class Fake:
    """The service.

    Parameters
    ----------
    faults : dict of (method, pattern of the path) to int or float
        What answers instead: a status, or seconds of silence as a float; -1.0 does it and then hangs up.
    ends : str
        The state that machines end in.
    keeps : bool
        Says that it destroys, and does not.
    """

    url: str
    users: Path
    cloud_auth: Path
    infrastructures: dict[str, Infrastructure] = field(default_factory=dict)
    faults: dict[tuple[str, str], float] = field(default_factory=dict)
    ends: str = "configured"
    keeps: bool = False
    asked: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def settings(self) -> dict[str, str]:
        """Return how a site is connected to it."""
        return {
            "url": self.url,
            "image": "docker://127.0.0.1/node:1",
            "user_db": str(self.users),
            "cloud_auth_file": str(self.cloud_auth),
            "patience_s": "20",
        }

    def fault(self, method: str, path: str) -> float | None:
        """Return what is wrong with a question."""
        return next((fault for (m, p), fault in self.faults.items() if m == method and re.fullmatch(p, path)), None)

    def do(self, method: str, path: str, body: str, user: str) -> tuple[int, object]:
        """Answer a question of a user."""
        match method, path.partition("?")[0].strip("/").split("/"):
            case "GET", ["version"]:
                return 200, {"version": "fake"}
            case "GET", ["infrastructures"]:
                return 200, self._uris(id_ for id_, one in self.infrastructures.items() if user in one.owners)
            case "POST", ["infrastructures"]:
                return self._create(body, user)
            case _, ["infrastructures", id_, *rest] if id_ in self.infrastructures:
                one = self.infrastructures[id_]
                if user not in one.owners:
                    return 403, {"message": "Access to this infrastructure not granted."}
                return self._of(one, id_, method, rest, body)
        return 404, {"message": "Deleted infrastructure."}

    def _create(self, body: str, user: str) -> tuple[int, object]:
        content = YAML(typ="safe", pure=True).load(body)
        image = content["topology_template"]["inputs"]["image"]["default"]
        front = {"class": "system", "id": "front_end", "state": "running", "disk.0.image.url": image}
        front |= {"net_interface.0.connection": "public_net", "net_interface.0.ip": "127.0.0.1"}
        id_ = f"inf-{len(self.asked)}"
        self.infrastructures[id_] = Infrastructure({user}, body, {"0": front})
        return 200, {"uri": f"{self.url}/infrastructures/{id_}"}

    def _of(self, one: Infrastructure, id_: str, method: str, rest: Sequence[str], body: str) -> tuple[int, object]:
        match method, list(rest):
            case "GET", [what] if what in ("state", "tosca", "radl", "contmsg"):
                return 200, {what: self._told(one)[what]}
            case "POST", ["authorization"]:
                one.owners.add(json.loads(body)["username"])
                return 200, ""
            case "DELETE", []:
                if not self.keeps:
                    del self.infrastructures[id_]
                return 200, ""
            case ("POST", []) | ("PUT", ["reconfigure"]):
                self._configure(one, body)
                return 200, {"uri-list": []} if method == "POST" else ""
            case "GET", []:
                return 200, self._uris(one.machines)
            case _, ["vms", numbers] if all(number in one.machines for number in numbers.split(",")):
                return self._machines(one, method, numbers.split(","))
        return 404, {"message": "Incorrect VM ID"}

    def _told(self, one: Infrastructure) -> dict[str, object]:
        return {
            "state": {"state": one.state, "vm_states": {}},
            "tosca": one.document,
            "radl": _GROUP,
            "contmsg": one.log,
        }

    def _machines(self, one: Infrastructure, method: str, numbers: Sequence[str]) -> tuple[int, object]:
        if method == "GET":
            return 200, {"radl": [_NETWORK, one.machines[numbers[0]]]}
        for number in numbers:
            del one.machines[number]
        return 200, ""

    def _configure(self, one: Infrastructure, radl: str) -> None:
        for name in re.findall(r"^deploy (\w+) 1$", radl, re.MULTILINE):
            system = re.search(rf"^system {name} \((.*?)^\)", radl, re.MULTILINE | re.DOTALL)
            assert system
            tags = re.search(r"instance_tags = '(.*)'", system[1])
            assert tags
            number = str(max(int(known) for known in one.machines) + 1)
            one.machines[number] = {"class": "system", "id": name, "state": "configured", "instance_tags": tags[1]}
        one.state = self.ends
        failed = "fatal: [127.0.0.1_0]: FAILED! => password: hunter2\nERROR executing task voxpop_front"
        one.log = _TOLD if self.ends == "configured" else failed
        for machine in one.machines.values():
            machine["state"] = self.ends

    def _uris(self, ids: Iterator[str] | dict[str, Any]) -> object:
        return {"uri-list": [{"uri": f"{self.url}/x/{id_}"} for id_ in ids]}


class NoSsh(FrontEnd):
    """A front end that takes every command."""

    def do(self, command: Sequence[str], stdin: str = "") -> Said:
        """Say that it went well."""
        return Said(0, f"{' '.join(command)}\n", stdin)


@contextmanager
def fake_infrastructure_manager(folder: Path) -> Iterator[Fake]:
    """Serve a fake until the end of the context."""
    users, cloud = folder / "users.json", folder / "cloud-auth"
    users.write_text('{"users": []}')
    cloud.write_text(
        "id = cloud; type = OpenStack; host = https://cloud.example.org; username = u; password = hunter2\n"
    )
    cloud.chmod(0o600)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    fake = Fake(f"http://127.0.0.1:{server.server_port}", users, cloud)
    server.fake = fake  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.over.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def handle_any(self) -> None:
        fake: Fake = self.server.fake  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        fake.asked.append(f"{self.command} {self.path}\n{body}")
        fault = fake.fault(self.command, self.path)
        user = self._user(fake.users)
        if isinstance(fault, float) and fault > 0:
            fake.over.wait(fault)
        elif fault == -1:
            fake.do(self.command, self.path, body, user)
        status, content = (401, "") if not user else (200, "")
        if fault == -1 or isinstance(fault, float):
            self.close_connection = True
            return
        if fault is not None:
            status, content = int(fault), {"message": "Error: it went wrong"}  # type: ignore[assignment]
        elif user:
            status, content = fake.do(self.command, self.path, body, user)  # type: ignore[assignment]
        written = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def _user(self, users: Path) -> str:
        known = {(one["username"], one["password"]) for one in json.loads(users.read_text())["users"]}
        said = re.search(r"username = (\S+); password = (\S+?)(?:\\n|$)", self.headers.get("authorization", ""))
        return said[1] if said and (said[1], said[2]) in known else ""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815
