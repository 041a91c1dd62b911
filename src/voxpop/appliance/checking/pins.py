"""Whether what is installed is one release, for ever the same."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from voxpop.appliance.checking.finding import Finding

_HASH = re.compile(r"\s*\\?\s*--hash=.*$")


def unpinned(file: str, text: str) -> Iterator[Finding]:
    """Yield the lines of a pip requirements file that are not one release."""
    for number, line in enumerate(text.splitlines(), start=1):
        asked = _HASH.sub("", line.partition(" #")[0]).strip().removesuffix("\\").strip()
        if not asked or asked.startswith("#"):
            continue
        if asked.startswith("-"):
            if not asked.startswith("--hash"):
                yield Finding(
                    file, number, f"'{asked.split()[0]}' is not taken: list modules of PyPI, each as name==release"
                )
        elif not is_pinned(asked):
            yield Finding(file, number, f"'{asked[:60]}' is not one release: write name==release")


def is_pinned(asked: str) -> bool:
    """Say whether a requirement names one release of PyPI."""
    try:
        requirement = Requirement(asked)
    except InvalidRequirement:
        return False
    specifiers = list(requirement.specifier)
    return (
        not requirement.url
        and len(specifiers) == 1
        and specifiers[0].operator in ("==", "===")
        and not specifiers[0].version.endswith("*")
    )
