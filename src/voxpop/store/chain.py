"""The hash chain of the audit log, and its signed head outside the database.

Each row's digest covers the row and the digest before it, so an edited, removed or reordered row shows. The newest
digest is signed (Ed25519) and kept in a file beside the key, so a cut tail, and a chain rewritten from the start, show
too. The head is written as an intent before the transaction and confirmed after it: a crash between the two leaves
either the old head or the new one as the true end, and nothing else. Intents are written while the database lets one
transaction at a time append, so they follow each other as the rows do. Confirmations come after that, from several
processes in any order: one that another intent has overtaken says nothing.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from filelock import FileLock

from voxpop.kernel.digests import Json, canonical_json, sha256_json
from voxpop.kernel.errors import Absent
from voxpop.kernel.ledger import Event
from voxpop.kernel.privatefiles import write_private

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """One row of the audit log as the chain sees it."""

    seq: int
    at: str
    event: Event
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: the number and digest of its last row."""

    seq: int
    digest: str


EMPTY = Head(0, GENESIS)


class AuditKeyAbsent(Absent):
    """The key that signs the audit log's head is not there."""

    code = "audit-key-absent"

    def __init__(self) -> None:
        super().__init__(
            "the key of the audit log is missing from the protected folder: restore audit.key from its backup"
        )


def link_digest(seq: int, at: str, event: Event, previous: str) -> str:
    """Return the digest of a row that follows ``previous``."""
    row: dict[str, Json] = {
        "seq": seq,
        "at": at,
        "action": event.action,
        "subject": event.subject,
        "actor": event.actor,
        "reason": event.reason,
        "facts": dict(event.facts),
        "previous": previous,
    }
    return sha256_json(row)


def faults(links: Iterable[Link]) -> tuple[list[str], Head]:
    """Walk a chain from its start; return what is wrong, a sentence each, and where it ends."""
    found: list[str] = []
    head = EMPTY
    for link in links:
        if link.seq != head.seq + 1:
            found.append(f"event {head.seq + 1} is missing: event {link.seq} follows event {head.seq}")
        if link.previous != head.digest:
            found.append(f"event {link.seq} does not follow the event before it: one of them was replaced or moved")
        if link_digest(link.seq, link.at, link.event, link.previous) != link.digest:
            found.append(f"event {link.seq} was edited: its content does not give its digest")
        head = Head(link.seq, link.digest)
    return found, head


class SignedHead:
    """The head's file and the key that signs it.

    Parameters
    ----------
    folder : Path
        The protected folder; holds ``audit.key`` (32 bytes) and ``audit-head.json``.
    """

    def __init__(self, folder: Path) -> None:
        self._key_file = folder / "audit.key"
        self._head_file = folder / "audit-head.json"
        self._one_writer = FileLock(folder / "audit.lock", mode=0o600)

    def create(self, begun: Callable[[], bool]) -> None:
        """Make a key and sign the empty chain; silent where both are there.

        Parameters
        ----------
        begun : callable
            Says whether the chain has rows.

        Raises
        ------
        AuditKeyAbsent
            If there is a head or a row but no key: a new key would hide a rewritten chain.
        """
        with self._one_writer:
            if not self._key_file.exists():
                if self._head_file.exists() or begun():
                    raise AuditKeyAbsent
                write_private(self._key_file, Ed25519PrivateKey.generate().private_bytes_raw())
            if not self._head_file.exists():
                self._write(EMPTY, None)

    def intend(self, current: Head, following: Head) -> None:
        """Say, before the transaction, which head will follow which."""
        with self._one_writer:
            self._write(following, current)

    def confirm(self, head: Head) -> None:
        """Say, after the transaction, that the head stands; silent if another has been intended to follow it."""
        with self._one_writer:
            try:
                signed, _ = self._read()
            except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
                return  # somebody changed it meanwhile: `faults` tells
            if signed == head:
                self._write(head, None)

    def faults(self, end: Head) -> list[str]:
        """Hold the chain's end against the signed head; return what is wrong, a sentence each."""
        try:
            signed, before = self._read()
        except (OSError, ValueError, KeyError, TypeError, InvalidSignature):
            return ["the signed head of the audit log is missing or not signed by our key"]
        if end in (signed, before):
            return []
        if end.seq < signed.seq:
            return [f"events {end.seq + 1} to {signed.seq} were cut off: the signed head is event {signed.seq}"]
        if end.seq > signed.seq:
            return [f"events {signed.seq + 1} to {end.seq} were added behind the signed head"]
        return [f"the chain was rewritten: event {end.seq} is not the one that was signed"]

    def _key(self) -> Ed25519PrivateKey:
        try:
            return Ed25519PrivateKey.from_private_bytes(self._key_file.read_bytes())
        except (OSError, ValueError) as unreadable:
            raise AuditKeyAbsent from unreadable

    def _write(self, head: Head, before: Head | None) -> None:
        body: dict[str, Json] = {"seq": head.seq, "digest": head.digest}
        body["before"] = {"seq": before.seq, "digest": before.digest} if before else None
        signature = self._key().sign(canonical_json(body)).hex()
        temporary = self._head_file.with_suffix(".new")
        temporary.write_text(json.dumps({**body, "signature": signature}))
        temporary.chmod(0o600)
        temporary.replace(self._head_file)

    def _read(self) -> tuple[Head, Head | None]:
        body = json.loads(self._head_file.read_text())
        signature = bytes.fromhex(body.pop("signature"))
        self._key().public_key().verify(signature, canonical_json(body))
        before = body["before"]
        return Head(body["seq"], body["digest"]), Head(before["seq"], before["digest"]) if before else None
