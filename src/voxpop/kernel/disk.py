"""What a full disk looks like in the errors of the system and of libraries."""

import errno

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SQLITE_FULL = "database or disk is full"  # sqlite3's SQLITE_FULL (rescode.html), whatever library carries it


def is_full(failure: BaseException) -> bool:
    """Say whether an error, or one that led to it, comes from a full disk."""
    one: BaseException | None = failure
    while one is not None:
        if _SQLITE_FULL in str(one) or getattr(one, "errno", None) in FULL:
            return True
        one = one.__cause__ or one.__context__
    return False
