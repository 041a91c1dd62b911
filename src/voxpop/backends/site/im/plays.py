"""What Ansible does on an appliance's machines, once the Infrastructure Manager has them.

The service carries it out on the front end, which reaches the workers; nothing in it is secret. The queue's secret is
made on the front end, and workers get it from there.
"""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from voxpop.kernel.digests import Json

HOST_KEY = "voxpop host key"
"""The task of the log that tells the front end's public key."""

_CARD = "/etc/voxpop/node.json"
_KEPT_KEY, _KEY = "/etc/voxpop/queue.key", "/run/voxpop/queue.key"
_PID = "/run/voxpop/node.pid"
_ROLES = "/var/lib/voxpop/roles"
_NODE = "/usr/local/sbin/voxpop-node"
_UNIT = """\
[Unit]
Description=The part of this machine in an appliance
After=network-online.target
[Service]
ExecStartPre=/usr/bin/install -D -m 0400 {kept} {key}
ExecStart={node} {part}
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""
# a container has no systemd: who runs already stays, since every change of the workers configures all machines again
_START = (
    "grep -qs voxpop-node /proc/$(cat {pid} 2>/dev/null || echo none)/cmdline || {{ "
    "install -D -m 0400 {kept} {key} && "
    "setsid sh -c 'echo $$ > {pid}; exec {node} {part}' </dev/null >>/var/log/voxpop-node.log 2>&1 & }}"
)


def front_play(told: Mapping[str, Json], roles: Sequence[tuple[str, str, str]], our_key: str) -> str:
    """Write what is done on the front end.

    Parameters
    ----------
    told : mapping
        The card, see `voxpop.appliance.card`.
    roles : sequence of (name, url, sha256)
        What is fetched and applied first.
    our_key : str
        The public key that lets voxpop in.
    """
    return _play(
        [
            *_applied(roles),
            *_told(told),
            {
                "name": "Make the queue's secret",
                "ansible.builtin.shell": f"umask 077; head -c 32 /dev/urandom | base64 > {_KEPT_KEY}",
                "args": {"creates": _KEPT_KEY},
            },
            *_started("front"),
            {
                "name": "Let voxpop in",
                "ansible.builtin.lineinfile": {
                    "path": "/root/.ssh/authorized_keys",
                    "line": our_key,
                    "create": True,
                    "mode": "0600",
                },
            },
            {
                "name": "Read the machine's own public keys",
                "ansible.builtin.shell": "cat /etc/ssh/ssh_host_*_key.pub",
                "register": "keys",
                "changed_when": False,
            },
            {"name": HOST_KEY, "ansible.builtin.debug": {"msg": "{{ keys.stdout_lines }}"}},
        ]
    )


def worker_play(told: Mapping[str, Json], roles: Sequence[tuple[str, str, str]]) -> str:
    """Write what is done on a worker; see `front_play`."""
    return _play(
        [
            *_applied(roles),
            *_told(told),
            {
                "name": "Read the queue's secret on the front end",
                "ansible.builtin.slurp": {"src": _KEPT_KEY},
                "delegate_to": "localhost",
                "register": "secret",
                "no_log": True,
            },
            {
                "name": "Keep the queue's secret",
                "ansible.builtin.copy": {
                    "content": "{{ secret.content | b64decode }}",
                    "dest": _KEPT_KEY,
                    "mode": "0400",
                },
                "no_log": True,
            },
            *_started("worker"),
        ]
    )


def host_keys(log: str) -> list[str]:
    """Read the front end's public keys from the log of its configuration; none where they were not told."""
    keys = []
    told = log.rpartition(f"TASK [{HOST_KEY}]")[2] if f"TASK [{HOST_KEY}]" in log else ""
    for line in told.splitlines()[1:]:
        if line.startswith(("TASK [", "PLAY")):
            break
        words = line.strip().strip('",').split()
        if len(words) >= 2 and words[0].startswith(("ssh-", "ecdsa-")):
            keys.append(f"{words[0]} {words[1]}")
    return keys


def _play(tasks: list[dict[str, Any]]) -> str:
    text = StringIO()
    yaml = YAML(pure=True)
    yaml.width = 4096
    yaml.dump([{"tasks": tasks}], text)  # the service says who does it: root
    return text.getvalue()


def _applied(roles: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for name, url, sha256 in roles:
        archive = f"{_ROLES}/{name}-{sha256}.tar.gz"
        here = {"delegate_to": "localhost"}
        tasks += [
            {
                "name": "Make a place for roles",
                "ansible.builtin.file": {"path": _ROLES, "state": "directory", "mode": "0755"},
                **here,
            },
            {
                "name": f"Fetch the role {name}",
                "ansible.builtin.get_url": {
                    "url": url,
                    "dest": archive,
                    "checksum": f"sha256:{sha256}",
                    "mode": "0644",
                },
                **here,
            },
            {
                "name": f"Unpack the role {name}",
                "ansible.builtin.unarchive": {"src": archive, "dest": _ROLES, "remote_src": True},
                **here,
            },
            {"name": f"Apply the role {name}", "ansible.builtin.include_role": {"name": f"{_ROLES}/{name}"}},
        ]
    return tasks


def _told(card_: Mapping[str, Json]) -> list[dict[str, Any]]:
    return [
        {
            "name": "Make a folder for what the machine is told",
            "ansible.builtin.file": {"path": "/etc/voxpop", "state": "directory", "mode": "0755"},
        },
        {
            "name": "Tell the machine what it is",
            "ansible.builtin.copy": {"content": json.dumps(dict(card_)), "dest": _CARD, "mode": "0644"},
        },
    ]


def _started(part: str) -> list[dict[str, Any]]:
    words = {"part": part, "node": _NODE, "key": _KEY, "kept": _KEPT_KEY, "pid": _PID}
    on_systemd = "ansible_service_mgr | default('') == 'systemd'"
    return [
        {"name": "See what starts programs here", "ansible.builtin.setup": {"gather_subset": ["!all", "service_mgr"]}},
        {
            "name": "Write the unit",
            "ansible.builtin.copy": {
                "content": _UNIT.format(**words),
                "dest": "/etc/systemd/system/voxpop-node.service",
                "mode": "0644",
            },
            "when": on_systemd,
        },
        {
            "name": "Start it",
            "ansible.builtin.systemd": {
                "name": "voxpop-node",
                "state": "started",
                "enabled": True,
                "daemon_reload": True,
            },
            "when": on_systemd,
        },
        {
            "name": "Start it, where nothing else does",
            "ansible.builtin.shell": _START.format(**words),
            "when": f"not ({on_systemd})",
            "changed_when": False,
        },
    ]
