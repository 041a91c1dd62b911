"""Passwords, codes and secrets: what is kept of each, and how it is checked.

Notes
-----
Argon2id by argon2-cffi's defaults (RFC 9106, low-memory profile). One-time codes by RFC 6238 through pyotp, which by
itself accepts a code twice: the last step used is kept, and only a later one counts. Tokens and session ids are 256
random bits, so a plain SHA-256 of them is kept.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from functools import cache
from pathlib import Path

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from filelock import FileLock
from zxcvbn import zxcvbn

from voxpop.access.errors import PasswordWeak, SecretUnreadable
from voxpop.kernel.privatefiles import write_private

SHORTEST = 12
LONGEST = 128
_STEP_S = 30
_GOOD_SCORE = 3  # of 4: more than ten thousand million guesses
_LOOKED_AT = 72
_hasher = PasswordHasher()


def check_strength(password: str, name: str) -> None:
    """Refuse a password that is short, too long to hash, or that holds the account's name.

    Raises
    ------
    PasswordWeak
        Saying what to change.
    """
    if len(" ".join(password.split())) < SHORTEST:
        raise PasswordWeak(f"the password has fewer than {SHORTEST} characters: choose a longer one")
    if len(password) > LONGEST:
        raise PasswordWeak(f"the password has more than {LONGEST} characters: choose a shorter one")
    # zxcvbn looks at the passwords that are known to be tried first, at names, dates, keyboards and repetitions
    if name.casefold() in password.casefold() or zxcvbn(password[:_LOOKED_AT], [name])["score"] < _GOOD_SCORE:
        raise PasswordWeak("the password is easy to guess: use several words that have nothing to do with you")


def password_hash(password: str) -> str:
    """Return what is kept of a password."""
    return _hasher.hash(password)


def password_fits(password: str, kept: str) -> bool:
    """Say whether a password is the one that was kept; where there is none, as slowly as where there is one."""
    try:
        _hasher.verify(kept or _decoy(), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def secret_digest(secret: str) -> str:
    """Return what is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_otp_secret() -> str:
    """Return a new secret of a second factor, in base 32."""
    return pyotp.random_base32()


def otp_uri(secret: str, name: str, bank: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=bank)


def otp_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the time step that a code belongs to; None where it is wrong or was used.

    Parameters
    ----------
    last_step : int
        The last step that was used; only later ones count.
    """
    here = int(now.timestamp()) // _STEP_S
    digits = "".join(code.split())
    for step in (here, here - 1, here + 1):
        right = pyotp.TOTP(secret).at(step * _STEP_S)
        if hmac.compare_digest(right.encode(), digits.encode()):
            return step if step > last_step else None
    return None


class Safe:
    """Keeps secrets that must be read again (second factors), and signs what a browser brings back.

    Parameters
    ----------
    folder : Path
        The protected folder; holds ``web.key``, made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "web.key"

    def close(self, secret: str) -> str:
        """Return a secret as it may lie in the database."""
        return Fernet(self._key()).encrypt(secret.encode()).decode() if secret else ""

    def open(self, closed: str) -> str:
        """Return a secret that was closed.

        Raises
        ------
        SecretUnreadable
            If another key closed it.
        """
        try:
            return Fernet(self._key()).decrypt(closed.encode()).decode() if closed else ""
        except InvalidToken as other:
            raise SecretUnreadable from other

    def signed(self, text: str, purpose: str) -> str:
        """Return a text with its signature, for one purpose."""
        return f"{text}.{self._signature(text, purpose)}"

    def unsigned(self, signed: str, purpose: str) -> str | None:
        """Return the text of a signed one; None where the signature is not ours."""
        text, _, signature = signed.rpartition(".")
        return text if hmac.compare_digest(signature.encode(), self._signature(text, purpose).encode()) else None

    def _signature(self, text: str, purpose: str) -> str:
        return hmac.new(self._key(), f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        if not self._file.exists():
            with FileLock(self._file.with_suffix(".lock"), mode=0o600):
                if not self._file.exists():
                    write_private(self._file, Fernet.generate_key())
        return self._file.read_bytes()


@cache
def _decoy() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))
