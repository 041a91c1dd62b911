"""Pseudonyms, date shifts and UIDs by HMAC-SHA-256 under one secret: repeatable, without a table to keep or lose."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from voxpop.dicom.uids import derived_uid, is_registered
from voxpop.kernel.ids import ParticipantLabel
from voxpop.staging.deid.errors import KeyUnusable

SECRET_BYTES = 32
LABEL_LENGTH = 10
SHORTEST_SHIFT_DAYS = 365
LONGEST_SHIFT_DAYS = 3650


def new_secret() -> bytes:
    """Return 32 fresh random bytes."""
    return secrets.token_bytes(SECRET_BYTES)


def save_secret(path: Path, secret: bytes) -> None:
    """Write a secret to a new file that only its owner may read; a file that is there stays as it is.

    Raises
    ------
    FileExistsError
        If there is one already: a key is never written over.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secret)
        stream.flush()
        os.fsync(stream.fileno())


def load_secret(path: Path) -> bytes:
    """Read the secret of the pseudonyms.

    Raises
    ------
    KeyUnusable
        If the file is missing, is not 32 bytes long, or may be read by others than its owner.
    """
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except FileNotFoundError as error:
        clause = "is missing: restore it from its backup, since without it the same person gets another pseudonym"
        raise KeyUnusable(path, clause) from error
    except OSError as error:
        raise KeyUnusable(path, "cannot be read: give its owner the right to read it") from error
    if len(secret) != SECRET_BYTES:
        raise KeyUnusable(path, f"has {len(secret)} bytes instead of {SECRET_BYTES}: restore it from its backup")
    if mode & 0o077:
        raise KeyUnusable(path, "may be read by others: take their rights away with chmod 600")
    return secret


class PatientKey:
    """Everything about one person that is derived from the secret.

    Parameters
    ----------
    secret : bytes
        At least 32 bytes.
    project : str
        Another project gives other pseudonyms, so that two volumes cannot be joined.
    patient_id, issuer : str
        (0010,0020) and (0010,0021); outer spaces do not count.

    Attributes
    ----------
    label : ParticipantLabel
        Ten lower-case letters and digits (50 bits); depends on the four parameters and on nothing else.
    days : int
        Days that the person's dates are moved by, from -3650 to -365.

    Raises
    ------
    ValueError
        If the secret is shorter than 32 bytes.
    """

    __slots__ = ("_project_key", "_uids", "days", "label", "patient_id")

    def __init__(self, secret: bytes, project: str, patient_id: str, issuer: str = "") -> None:
        if len(secret) < SECRET_BYTES:
            msg = f"the secret of the pseudonyms has fewer than {SECRET_BYTES} bytes"
            raise ValueError(msg)
        self._project_key = _derived(secret, "project", project)
        self._uids: dict[str, str] = {}
        self.patient_id = patient_id.strip(" \0")
        person = _derived(self._project_key, "person", issuer.strip(" \0"), self.patient_id)
        self.label = ParticipantLabel(_label(_derived(person, "label"), LABEL_LENGTH))
        span = LONGEST_SHIFT_DAYS - SHORTEST_SHIFT_DAYS + 1
        self.days = -(SHORTEST_SHIFT_DAYS + int.from_bytes(_derived(person, "days")[:8], "big") % span)

    def uid(self, source: str) -> str:
        """Return the UID that stands for another everywhere in the project; registered ones stand for themselves."""
        found = self._uids.get(source)
        if found is None:
            found = source if is_registered(source) else derived_uid(self._project_key, source)
            self._uids[source] = found
        return found

    def is_person(self, patient_id: str) -> bool:
        """Say whether an object's (0010,0020) is this person's."""
        return patient_id.strip(" \0") == self.patient_id

    def session(self, study_uid: str) -> str:
        """Return the label of a study: ten lower-case letters and digits."""
        return _label(_derived(self._project_key, "session", study_uid.strip(" \0")), LABEL_LENGTH)

    def __repr__(self) -> str:
        return f"PatientKey(label={self.label!r})"


def _derived(key: bytes, *parts: str) -> bytes:
    """Derive a key or a number from a key and some texts, none of which can run into the next."""
    message = b"".join(len(part := text.encode()).to_bytes(4, "big") + part for text in parts)
    return hmac.new(key, message, hashlib.sha256).digest()


def _label(digest: bytes, length: int) -> str:
    return base64.b32encode(digest).decode("ascii").lower()[:length]
