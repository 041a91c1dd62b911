"""Walks over a data set's bytes and takes identity out: what nobody changes stays a run of the original's bytes.

An object of 500 kB has some hundred elements, most of which stay as they are. So elements are not made objects: headers
are read where they lie, runs of untouched elements are copied as one slice, and what becomes of a value is remembered
under its bytes, since the slices of a series repeat nearly all of them.
"""

import struct
from collections import Counter

from voxpop.dicom import tags
from voxpop.dicom.characters import character_set_at, character_set_terms
from voxpop.dicom.elements import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, sequence
from voxpop.dicom.iods import Place
from voxpop.staging.deid.errors import ObjectRefused, RefusalReason
from voxpop.staging.deid.keys import PatientKey
from voxpop.staging.deid.levels import END, PASS, PIXELS, SEQUENCE, Decide, Entry, Level, Odd
from voxpop.staging.deid.replacement import Replacement, replacement
from voxpop.staging.deid.rules import Action
from voxpop.staging.deid.witness import Witness

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from

DEEPEST = 32
_LONGEST_REMEMBERED = 1024
_MOST_REMEMBERED = 4096
_NO_TAG = 1 << 32


class Walk:
    """Takes identity out of the data sets of one person, one after the other.

    Parameters
    ----------
    decide : callable
        What becomes of an element: (place, tag, value representation) to decision.
    stamps : sequence of (tag, element)
        What is written at the top level of each object, in the order of tags.

    Attributes
    ----------
    seen : dict of tag to bytes
        Original values of the elements in ``NOTED`` in the object walked last.
    charset : tuple of str
        (0008,0005) of that object.
    """

    def __init__(self, patient: PatientKey, decide: Decide, stamps: tuple[tuple[int, bytes], ...]) -> None:
        self.seen: dict[int, bytes] = {}
        self.witness = Witness()
        self._patient = patient
        self._decide = decide
        self._stamps = stamps
        self._tops: dict[str, Level] = {}
        self._actions: Counter[str] = Counter()
        self.charset: tuple[str, ...] = ()
        self._buffer = b""
        self._depth = 0

    def begin(self, buffer: bytes, start: int) -> None:
        """Take up an object's bytes, whose data set begins at ``start``."""
        self._buffer = buffer
        self._depth = 0
        self.seen = {}
        self._change_charset(character_set_at(buffer, start))

    def top(self, place: Place) -> Level:
        """Return what was learnt of a place's top level so far."""
        found = self._tops.get(place.iod)
        if found is None:
            found = self._tops[place.iod] = Level(place, self._decide)
        return found

    def data_set(self, level: Level, start: int, end: int, out: list[bytes]) -> int:
        """Scrub one object's top level up to its pixels and append what is to be written; return where it ended."""
        return self._elements(level, start, end, out, self._stamps)

    def trailer(self, level: Level, start: int, end: int, out: list[bytes]) -> int:
        """Scrub what stands behind the pixels."""
        return self._elements(level, start, end, out, ())

    def actions(self) -> dict[str, int]:
        """Count the elements by what was done with them."""
        for level in self._tops.values():
            self._forget_level(level)
        return dict(sorted(self._actions.items()))

    def _elements(  # noqa: C901 -- one loop, unrolled: every call in it costs a tenth of the speed
        self, level: Level, p: int, end: int, out: list[bytes], stamps: tuple[tuple[int, bytes], ...]
    ) -> int:
        """Walk over the elements from ``p`` on; this is the loop that everything's speed hangs on."""
        buffer, entries = self._buffer, level.entries
        start, last = p, -1
        due = stamps[0][0] if stamps else _NO_TAG
        while p < end:
            head = buffer[p : p + 6]
            entry = entries.get(head) or level.learn(head)
            kind = entry.kind
            if kind == END:
                break
            if entry.tag <= last:
                raise Odd
            last = entry.tag
            if last >= due:
                out.append(buffer[start:p])
                start = p
                stamps = _stamped(stamps, last, out)
                due = stamps[0][0] if stamps else _NO_TAG
            if kind == PIXELS:
                break
            if entry.is_long:
                length, value_at = _U32(buffer, p + 8)[0], p + 12
            else:
                length, value_at = _U16(buffer, p + 6)[0], p + 8
            if kind == SEQUENCE:
                out.append(buffer[start:p])
                start = p = self._sequence(level, entry, value_at, length, end, out)
                continue
            stop = value_at + length
            if stop > end:
                raise _cut_off(length)
            if kind == PASS:
                entry.uses += 1
                p = stop
                continue
            value = buffer[value_at:stop]
            done = entry.remembered.get(value) or self._value(entry, value)
            done.uses += 1
            if entry.is_noted:
                self.seen[last] = value
            if not done.is_kept:
                out.append(buffer[start:p])
                if done.encoded is not None:
                    out.append(done.encoded)
                start = stop
            p = stop
        out.append(buffer[start:p])
        _stamped(stamps, _NO_TAG, out)
        return p

    def _value(self, entry: Entry, value: bytes) -> Replacement:
        """Decide on a value met for the first time, note it for the scan, and remember it."""
        tag, vr, decision = entry.tag, entry.vr, entry.decision
        if tag == tags.SPECIFIC_CHARACTER_SET:
            return self._character_set(entry, value)
        pseudonym = self._pseudonym(tag)
        done = replacement(decision, tag, vr, value, self._patient, pseudonym)
        if done.is_kept:
            self.witness.left(vr, value, self.charset)
        elif done.action is not Action.STAMP:
            self.witness.lost(tag, vr, value, self.charset)
        if tag == tags.STUDY_ID or len(value) > _LONGEST_REMEMBERED:
            self._actions[done.action] += 1
        else:
            if len(entry.remembered) >= _MOST_REMEMBERED:
                self._forget(entry)
            entry.remembered[value] = done
        return done

    def _pseudonym(self, tag: int) -> str:
        """Return the person's label, or for (0020,0010) the study's: some archives merge studies without one."""
        if tag != tags.STUDY_ID:
            return self._patient.label
        return self._patient.session(self.seen.get(tags.STUDY_INSTANCE_UID, b"").decode("latin-1"))

    def _character_set(self, entry: Entry, value: bytes) -> Replacement:
        """Keep (0008,0005) where its terms are the standard's, and read what follows by it."""
        terms = character_set_terms(value)
        self._change_charset(terms or ())
        is_kept = terms is not None and entry.decision.action is Action.KEEP
        action = Action.KEEP if is_kept else Action.REMOVE
        if not is_kept:
            self.witness.lost(entry.tag, entry.vr, value, ())
        self._actions[action] += 1
        return Replacement(action, None, is_kept=is_kept)

    def _change_charset(self, terms: tuple[str, ...]) -> None:
        """What is remembered was noted in another character set: forget it."""
        if terms != self.charset:
            self.charset = terms
            for level in self._tops.values():
                self._forget_level(level)

    def _sequence(self, level: Level, entry: Entry, value_at: int, length: int, end: int, out: list[bytes]) -> int:
        """Scrub a sequence and write what is left of it with explicit lengths; return where it ended."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise ObjectRefused(RefusalReason.DEEP)
        entry.uses += 1
        if length != UNDEFINED:
            if value_at + length > end:
                raise ObjectRefused(RefusalReason.TRUNCATED)
            end = value_at + length
        items: list[bytes] = []
        stop = self._items(level.below(entry), value_at, end, items, is_open=length == UNDEFINED)
        self._depth -= 1
        action = entry.decision.action
        if action is Action.ENTER:
            out.append(sequence(entry.tag, items))
        elif action is Action.EMPTY:
            out.append(sequence(entry.tag, ()))
        elif action is Action.DUMMY:
            out.append(sequence(entry.tag, items[:1]))
        return stop

    def _items(self, level: Level, p: int, end: int, items: list[bytes], *, is_open: bool) -> int:
        """Scrub each item of a sequence; return where the sequence ended."""
        buffer = self._buffer
        while p < end:
            mark = buffer[p : p + 4]
            if mark == SEQUENCE_END and is_open:
                return p + 8
            if mark != ITEM:
                raise Odd
            length = _U32(buffer, p + 4)[0]
            p += 8
            stop = end if length == UNDEFINED else p + length
            if stop > end:
                raise ObjectRefused(RefusalReason.TRUNCATED)
            out: list[bytes] = []
            outer = self.charset
            reached = self._elements(level, p, stop, out, ())
            self._change_charset(outer)
            if length == UNDEFINED:
                if buffer[reached : reached + 4] != ITEM_END:
                    raise ObjectRefused(RefusalReason.TRUNCATED)
                reached += 8
            elif reached != stop:
                raise Odd
            items.append(b"".join(out))
            p = reached
        if is_open:
            raise ObjectRefused(RefusalReason.TRUNCATED)
        return p

    def _forget(self, entry: Entry) -> None:
        """Count what an entry remembers, and begin again."""
        for done in entry.remembered.values():
            self._actions[done.action] += done.uses
        entry.remembered.clear()
        if entry.uses:
            self._actions[entry.decision.action] += entry.uses
            entry.uses = 0

    def _forget_level(self, level: Level) -> None:
        for entry in level.entries.values():
            self._forget(entry)
            if entry.below is not None:
                self._forget_level(entry.below)


def _stamped(stamps: tuple[tuple[int, bytes], ...], tag: int, out: list[bytes]) -> tuple[tuple[int, bytes], ...]:
    """Write the stamps whose place is before or at a tag; return the others."""
    ready = [encoded for due, encoded in stamps if due <= tag]
    out.extend(ready)
    return stamps[len(ready) :]


def _cut_off(length: int) -> Exception:
    """A value that goes beyond its data set: of undefined length, which only a rewriter can read, or cut off."""
    return Odd() if length == UNDEFINED else ObjectRefused(RefusalReason.TRUNCATED)
