"""Names of body parts: what (0018,0015) holds in the field, and the words of descriptions."""

import re

SYNONYMS = {
    "ABDOMEN": {
        "ABDOMEN", "ABD", "ABDO", "ABDOMENPELVIS", "ABDOMENANDPELVIS", "ABDPELVIS", "ABDPEL", "ABDOMENPEL",
        "LOWERABDOMEN", "UPPERABDOMEN", "CHESTABDOMEN", "CHESTABDPELVIS", "CHESTABDOMENPELVIS", "CHESTABDPELV",
        "THORAXABDOMEN", "CAP", "TAP",
        "NECKCHESTABDOMEN", "NECKCHESTABDPELV", "NECKCHESTABDPELVIS", "ABDOMINAL", "ABDOMENCT", "CTABDOMEN",
    },
    "PELVIS": {
        "PELVIS", "PELV", "ABDOMENPELVIS", "ABDOMENANDPELVIS", "ABDPELVIS", "CHESTABDPELVIS", "CHESTABDOMENPELVIS",
        "CHESTABDPELV", "CAP", "NECKCHESTABDPELV", "NECKCHESTABDPELVIS",
    },
    "CHEST": {
        "CHEST", "THORAX", "LUNG", "LUNGS", "CHESTABDOMEN", "CHESTABDPELVIS", "CHESTABDOMENPELVIS", "CHESTABDPELV",
        "THORAXABDOMEN", "NECKCHEST", "CAP", "TAP", "NECKCHESTABDOMEN", "NECKCHESTABDPELV", "NECKCHESTABDPELVIS",
    },
    "HEAD": {"HEAD", "BRAIN", "SKULL", "CRANIUM", "HEADNECK", "NEURO"},
    "SPINE": {"SPINE", "CSPINE", "TSPINE", "LSPINE", "LSSPINE", "TLSPINE", "CTSPINE", "LUMBARSPINE"},
    "LSPINE": {"LSPINE", "LSSPINE", "LUMBARSPINE", "TLSPINE"},
}  # fmt: skip
"""Body parts to the code strings that hold them (PS3.16 Annex L, and what scanners write): letters and digits only."""

WORDS = {
    "ABDOMEN": {
        "abdomen",
        "abdominal",
        "abdominale",
        "abdomenpelvis",
        "abdo",
        "abd",
        "oberbauch",
        "bauch",
        "cap",
        "tap",
    },
    "PELVIS": {"pelvis", "pelvic", "becken", "pelvi"},
    "CHEST": {"chest", "thorax", "thoracic", "lung", "lungs", "torax"},
    "HEAD": {"head", "brain", "skull", "cranial", "cerebral", "cranio", "schädel", "kopf"},
    "SPINE": {"spine", "spinal", "lumbar", "vertebra", "vertebral"},
    "LSPINE": {"lumbar", "lspine"},
}
"""A body part asked for to the words that tell of it where no series names its body part."""


def key(text: str) -> str:
    """Return a code string as it is compared: letters and digits, in upper case."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def fitting_codes(asked: tuple[str, ...]) -> list[str]:
    """Return the code strings that any of the body parts asked for accepts, sorted."""
    return sorted(set().union(*({key(part)} | SYNONYMS.get(key(part), set()) for part in asked)))


def fitting_words(asked: tuple[str, ...]) -> str:
    """Return a regular expression (RE2, lower case) that finds any word of the body parts asked for."""
    words = sorted(set().union(*({part.lower()} | WORDS.get(key(part), set()) for part in asked)))
    return r"(^|[^\p{L}\p{N}])(" + "|".join(map(re.escape, words)) + r")($|[^\p{L}\p{N}])"
