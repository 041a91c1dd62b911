"""C-FIND in the Study Root model: studies, then the series of each (PS3.4 C.6.2)."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial

from pydicom.dataset import Dataset
from pynetdicom.association import Association
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # pynetdicom makes these names at import
    StudyRootQueryRetrieveInformationModelFind as StudyRootFind,
)

from voxpop.backends.archive.dimse.peer import Peer
from voxpop.dicom.archives import ArchiveFailed
from voxpop.dicom.listing import SERIES_KEYS, STUDY_KEYS, Answer, Listing, answer_of, day_range
from voxpop.kernel.ids import StudyUID
from voxpop.kernel.imaging import Study

SUCCESS = 0x0000
PENDING = frozenset({0xFF00, 0xFF01})  # PS3.4 C.4.1.1.4
UTF8 = "ISO_IR 192"


def studies(peer: Peer, listing: Listing, since: date | None, until: date | None) -> Iterator[Study]:
    """Yield every study once, with its series, over one association."""
    with peer.association([build_context(StudyRootFind)], "C-FIND") as association:
        question = _question("STUDY", STUDY_KEYS, {"StudyDate": day_range(since, until)})
        seen: set[StudyUID] = set()
        for answer in _answers(peer.archive, association, question, STUDY_KEYS):
            uid = listing.study_uid(answer)
            if uid is None or not listing.within(answer, since, until):
                continue
            if uid in seen:
                listing.odd["study listed twice"] += 1
                continue
            seen.add(uid)
            series = _question("SERIES", SERIES_KEYS, {"StudyInstanceUID": uid})
            keys = {**SERIES_KEYS, "StudyInstanceUID": STUDY_KEYS["StudyInstanceUID"]}
            yield listing.study(uid, answer, partial(_answers, peer.archive, association, series, keys))


def _question(level: str, keys: Mapping[str, str], asked: Mapping[str, str]) -> Dataset:
    question = Dataset()
    question.SpecificCharacterSet = UTF8
    question.QueryRetrieveLevel = level
    for keyword in keys:
        setattr(question, keyword, None if keyword.startswith("Number") else "")
    for keyword, value in asked.items():
        setattr(question, keyword, value)
    return question


def _answers(archive: str, association: Association, question: Dataset, keys: Mapping[str, str]) -> list[Answer]:
    """Return all answers to a question, or fail: half a list would look like a whole one."""
    answers: list[Answer] = []
    if not association.is_established:
        raise ArchiveFailed(archive, "ended the association in mid query")
    for status, identifier in association.send_c_find(question, StudyRootFind):
        code = status.get("Status")
        if code in PENDING and identifier is not None:
            answers.append(answer_of(identifier, keys))
        elif code != SUCCESS:
            raise ArchiveFailed(archive, "stopped in the middle of its answer to a query")
    return answers
