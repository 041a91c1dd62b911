"""What identifies the participants of a run, sought in what would leave.

The values are those of the frozen list in the protected folder; they are opened for one look and kept nowhere.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cached_property
from pathlib import Path

from voxpop.cohort.model import Selected, Selection
from voxpop.flow.evidence import Sources
from voxpop.kernel.errors import Refused
from voxpop.kernel.ids import CohortId, RunId
from voxpop.result.egress.layers import Layer
from voxpop.result.egress.ports import IdentitySearch
from voxpop.run.states import RunState
from voxpop.staging.scan.encodings import atoms_of
from voxpop.staging.scan.judgement import Judge
from voxpop.staging.scan.matcher import Hit, Matcher, TooManyHits
from voxpop.staging.scan.phrases import SHORTEST, Phrase, Shape, Sought, weight
from voxpop.staging.scan.places import Content, Map, Place
from voxpop.staging.scan.vocabulary import normal

_NUMBER_IN_WORDS = re.compile(r"\d{5,}")
_BARE_NUMBER = 7
_DIGEST = 32
_HEX = frozenset(b"0123456789abcdefABCDEF")
_NUMBER_BEFORE = re.compile(rb"\d\Z|\d\.\Z")
_SHORTEST_NUMBER = 6


class RunNotDone(Refused):
    """Files of a run were asked for that may still change."""

    code = "run-not-done"

    def __init__(self, run: str, state: str) -> None:
        super().__init__(f"run '{run}' is {state}: only what a run that is done has left can leave")


_WHY = "voxpop looks for these persons in files that are to leave; nobody is shown them"


class CohortIdentities:
    """Answers ``result.egress.ports.Identities`` from the frozen list of the run's cohort.

    Parameters
    ----------
    selection : callable
        Opens a frozen list for a person; the store audits it as ``identity.opened``.
    """

    def __init__(self, sources: Sources, selection: Callable[[CohortId, str, str], Selection]) -> None:
        self._sources = sources
        self._selection = selection

    def opened(self, run: RunId, actor: str) -> IdentitySearch:
        """Return the search for the participants of a run."""
        volume = self._sources.volumes.get(self._sources.run(run).volume)
        selected = self._selection(volume.cohort, actor, _WHY).selected
        labels = frozenset(path.name.removeprefix("sub-").lower() for path in volume.path.glob("sub-*"))
        return CohortSearch(selected, labels)


def results_of(sources: Sources) -> Callable[[RunId], Path]:
    """Return what finds the results of a run that is done, and refuses any other."""

    def results(run: RunId) -> Path:
        found = sources.run(run)
        if found.state is not RunState.DONE:
            raise RunNotDone(run, found.state.value)
        return found.results

    return results


class CohortSearch:
    """Seeks what the frozen list says of the selected studies' persons.

    Parameters
    ----------
    labels : frozenset of str
        The participants' pseudonyms, without ``sub-``.
    """

    def __init__(self, selected: tuple[Selected, ...], labels: frozenset[str]) -> None:
        self._selected = selected
        self.labels = labels

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups, with small letters."""
        return frozenset(one.group.strip().lower() for one in self._selected)

    @property
    def coverage(self) -> str:
        """What is sought and what is not."""
        target = self._matcher.target
        left = sum(target.not_sought.values())
        return (
            f"Sought are {target.values} values of the frozen list: patient IDs, accession numbers, study and series "
            "UIDs, dates of birth in seven ways of writing, and numbers of five digits or more in descriptions. Not "
            f"sought are names, which the list does not hold, dates of studies, and {left} values shorter than "
            f"{SHORTEST} characters, or than {_SHORTEST_NUMBER} where they are digits alone."
        )

    def found(self, layer: Layer) -> int:
        """Return how many places in some bytes hold a value that identifies a participant."""
        content = memoryview(layer.content)
        try:
            hits = self._matcher.hits(content)
        except TooManyHits:
            return 1
        places = Map(layer.name, [Place("pixels", Content.PIXELS, start, end, 1) for start, end in layer.pixels])
        judge = Judge(self._matcher.target, places, content)
        return sum(_is_evidence(hit, places, judge, layer.content) for hit in hits)

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(_sought(self._selected))


def _sought(selected: tuple[Selected, ...]) -> Sought:
    """Choose few ways of writing: results are full of numbers, which the many of a residual scan would meet."""
    words = {word for one in selected for word in _words(one) if word}
    days = frozenset(one.study.patient_birth for one in selected if one.study.patient_birth)
    uids = frozenset(uid for one in selected for uid in (one.study.uid, *(series.uid for series in one.study.series)))
    long_enough = sorted(word for word in words if weight(word) >= _shortest(word) and len(set(normal(word))) > 1)
    phrases = [Phrase("id", _shape(word), atoms_of(word), weight(word)) for word in long_enough]
    phrases += [
        Phrase("date", Shape.DATE, tuple(text), len(text), day=day) for day in sorted(days) for text in _ways(day)
    ]
    count = len(long_enough) + len(days) + len(uids)
    return Sought(tuple(phrases), uids, days, frozenset(), count, {"too short": len(words) - len(long_enough)})


def _words(chosen: Selected) -> Iterator[str]:
    study = chosen.study
    for text in (study.patient_id.strip(), study.accession.strip()):
        yield text
        yield from (number for number in re.findall(r"\d+", text) if len(number) >= _BARE_NUMBER)
    for text in (study.description, *(series.description for series in study.series)):
        yield from _NUMBER_IN_WORDS.findall(text)


def _shortest(word: str) -> int:
    return _SHORTEST_NUMBER if word.isdigit() else SHORTEST


def _shape(word: str) -> Shape:
    return Shape.NUMBER if word.isdigit() else Shape.WORDS


def _ways(day: date) -> Iterator[str]:
    yield from (f"{day:%Y%m%d}", f"{day:%Y-%m-%d}", f"{day:%Y/%m/%d}")
    yield from (f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}", f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}")


def _is_evidence(hit: Hit, places: Map, judge: Judge, content: bytes) -> bool:
    if judge.set_aside(hit, places.at(hit.first, hit.end)):
        return False
    shape, unit = hit.pattern.phrase.shape, hit.pattern.written.unit
    if shape in {Shape.WORDS, Shape.UID} or unit > 1:
        return True
    return not (_is_in_number(content, hit.start, hit.end) or _is_in_digest(content, hit.start, hit.end))


def _is_in_number(content: bytes, start: int, end: int) -> bool:
    """Say whether digits are a part of a longer number, leading zeros passed over, or of a fraction."""
    while content[start - 1 : start] == b"0":
        start -= 1
    return bool(_NUMBER_BEFORE.search(content[max(start - 2, 0) : start]) or content[end : end + 1].isdigit())


def _is_in_digest(content: bytes, start: int, end: int) -> bool:
    """Say whether a number lies in a run of hexadecimal digits that is as long as a digest."""
    while start > 0 and content[start - 1] in _HEX:
        start -= 1
    while end < len(content) and content[end] in _HEX:
        end += 1
    return end - start >= _DIGEST
