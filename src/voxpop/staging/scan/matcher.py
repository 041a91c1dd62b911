"""The patterns of one identity, compiled once and run over bytes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

import hyperscan

from voxpop.staging.identity import Identity
from voxpop.staging.scan.encodings import Written, literal, ways_of_writing
from voxpop.staging.scan.phrases import Phrase, Shape, Sought, sought

_MOST_HITS = 200_000
_BLOCK_BYTES = 2**30
_OVERLAP_BYTES = 2**16
_COMMON_BEGINNING = 12
_FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL


@dataclass(frozen=True)
class Pattern:
    """A phrase in one way of writing."""

    phrase: Phrase
    written: Written

    @cached_property
    def regular(self) -> "re.Pattern[bytes]":
        """The whole pattern, to find where a hit begins and ends."""
        return _regular(self.written.expression)


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a pattern matches: bytes ``start`` to ``end``."""

    pattern: Pattern
    start: int
    end: int

    @property
    def first(self) -> int:
        """Where the first byte lies that is not the empty half of a character."""
        return self.start + (self.pattern.written.encoding == "UTF-16BE")


class TooManyHits(Exception):
    """More places look like identity than can be judged one by one."""


class _Anchor:
    """Patterns that share a part; where the part is, the patterns are tried."""

    def __init__(self) -> None:
        self.patterns: list[Pattern] = []

    @cached_property
    def reach(self) -> int:
        return max(pattern.written.longest for pattern in self.patterns)

    @cached_property
    def any_of(self) -> "re.Pattern[bytes]":
        return _regular(b"|".join(sorted({pattern.written.expression for pattern in self.patterns})))

    def hits(self, content: memoryview, end: int) -> Iterator[Hit]:
        low = max(0, end - self.reach)
        around = content[low : end + self.reach]
        if not self.any_of.search(around):
            return
        for pattern in self.patterns:
            for found in pattern.regular.finditer(around):
                yield Hit(pattern, low + found.start(), low + found.end())


class Matcher:
    """All patterns of one identity.

    Parameters
    ----------
    target : Sought

    Notes
    -----
    Hyperscan seeks a plain part of each pattern, which it compiles and runs fastest by far; around each such part the
    whole patterns are tried.
    """

    def __init__(self, target: Sought) -> None:
        self.target = target
        patterns = tuple(_patterns(target))
        self.encodings = tuple(sorted({pattern.written.encoding for pattern in patterns}))
        anchors: defaultdict[bytes, _Anchor] = defaultdict(_Anchor)
        for pattern in patterns:
            for expression in pattern.written.anchors:
                anchors[expression].patterns.append(pattern)
        self._anchors = tuple(anchors.values())
        self._database = _compiled(tuple(anchors))

    def hits(self, content: memoryview) -> list[Hit]:
        """Return every place in some bytes that looks like identity.

        Raises
        ------
        TooManyHits
            If there are too many to be judged one by one.
        """
        if self._database is None:
            return []
        ends: set[tuple[int, int]] = set()
        for offset in range(0, max(len(content), 1), _BLOCK_BYTES):
            self._seek_anchors(self._database, content, offset, ends)
        found: dict[Hit, None] = {}
        for number, end in sorted(ends):
            found.update(dict.fromkeys(self._anchors[number].hits(content, end)))
        return list(found)

    def _seek_anchors(
        self, database: "hyperscan.Database", content: memoryview, offset: int, ends: set[tuple[int, int]]
    ) -> None:
        def keep(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            ends.add((number, offset + end))
            return len(ends) > _MOST_HITS

        block = content[offset : offset + _BLOCK_BYTES + _OVERLAP_BYTES]
        try:
            # The stubs know text only; any buffer will do.
            database.scan(cast("bytes", block), match_event_handler=keep)
        except hyperscan.error as stopped:
            if len(ends) > _MOST_HITS:
                raise TooManyHits from stopped
            raise


@lru_cache(maxsize=4)
def matcher_for(identity: Identity) -> Matcher:
    """Return the compiled patterns of an identity; the last few are kept."""
    return Matcher(sought(identity))


def _patterns(target: Sought) -> Iterator[Pattern]:
    seen: set[tuple[bytes, str, Shape, bool]] = set()
    for phrase in [*target.phrases, *_uid_phrases(target.uids)]:
        for written in _ways(phrase):
            # The same bytes may come from several values; one of each strictness is enough.
            key = (written.expression, phrase.kind, phrase.shape, phrase.excusable)
            if key not in seen:
                seen.add(key)
                yield Pattern(phrase, written)


def _ways(phrase: Phrase) -> Iterator[Written]:
    if phrase.raw:
        yield literal("as read", phrase.raw)
    else:
        yield from ways_of_writing(phrase.atoms)


def _uid_phrases(uids: frozenset[str]) -> list[Phrase]:
    # Thousands of instances share the beginning of their UIDs: it is sought, and the whole is compared where it is.
    beginnings = {_beginning(uid) for uid in uids}
    shortest = [
        one for one in sorted(beginnings) if not any(one != other and one.startswith(other) for other in beginnings)
    ]
    return [Phrase("uid", Shape.UID, tuple(one), len(one)) for one in shortest]


def _beginning(uid: str) -> str:
    cut = uid.rpartition(".")[0]
    return cut if len(cut) >= _COMMON_BEGINNING else uid


def _compiled(expressions: Sequence[bytes]) -> "hyperscan.Database | None":
    if not expressions:
        return None
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(expressions),
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[_FLAGS] * len(expressions),
    )
    return database


def _regular(expression: bytes) -> "re.Pattern[bytes]":
    return re.compile(expression, re.IGNORECASE | re.DOTALL)
