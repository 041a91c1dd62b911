"""What the machines of a cluster are told: a card without a secret, and two secrets as files."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from voxpop.appliance.card import card
from voxpop.appliance.model import Deployment, Ground
from voxpop.backends.site import BENCH, GATE, PEOPLE, SECRETS
from voxpop.kernel.digests import Json, sha256_bytes

CARD_INSIDE = "/etc/voxpop/node.json"
QUEUE_KEY_INSIDE = "/run/voxpop/queue.key"
GATE_KEY_INSIDE = "/run/voxpop/gate.key"
GATE_INSIDE = "/run/voxpop/gate"
PEOPLE_INSIDE = "/var/lib/extrausers"
_CARD = "node.json"
_AUTH = "auth"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Papers:
    """Where the files are that a cluster's machines see.

    Parameters
    ----------
    people : Path
        The accounts of the appliance's people, which all machines read anew.
    auth : Path
        A folder on the bench where a person makes a file, by which HTCondor sees who he is.
    digest : str
        SHA-256 over what the card and the secrets say: machines of other ones don't belong together.
    """

    card: Path
    queue_key: Path
    gate_key: Path
    gate: Path
    people: Path
    auth: Path
    digest: str


def write_papers(area: Path, deployment: Deployment, ground: Ground) -> Papers:
    """Write the card, and the secrets and folders where they are not there yet."""
    private, people, auth = area / SECRETS, area / PEOPLE, area / BENCH / _AUTH
    made = ((private, 0o700), (area / GATE, 0o700), (area / BENCH, 0o711), (people, 0o755), (auth, 0o1777))
    for folder, mode in made:
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)  # runs reach their own folders on the bench, and can't exchange one for a link
    keys = [_secret(private / name) for name in ("queue.key", "gate.key")]
    told = _card(deployment, ground)
    path, text = area / _CARD, json.dumps(told, indent=2) + "\n"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    # what they read again when they begin, as the front end does, makes no other machines of them
    lasting = {name: value for name, value in told.items() if name not in ("idle_s", "boot_s")}
    digest = sha256_bytes(b"\n".join([json.dumps(lasting).encode(), *(key.read_bytes() for key in keys)]))
    return Papers(path, keys[0], keys[1], area / GATE, people, auth, digest)


def _card(deployment: Deployment, ground: Ground) -> dict[str, Json]:
    workers = deployment.workers
    assert workers is not None
    folders = {"data": str(deployment.volume.resolve()), "bench": str(deployment.bench)}
    return card(deployment.appliance, deployment.queue, workers, ground, folders)


def _secret(path: Path) -> Path:
    """Make a secret where there is none; it is there whole, or not at all."""
    if not path.is_file():
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(_SECRET_BYTES) + "\n", encoding="ascii")
        draft.chmod(0o400)
        draft.replace(path)
    return path
