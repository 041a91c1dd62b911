"""The archive on the DIMSE wire: C-ECHO, C-STORE, C-FIND, C-GET and C-MOVE (PS3.4 B and C)."""

import hashlib
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.presentation import build_context
from pynetdicom.transport import ThreadedAssociationServer

from voxpop.demo.archive.headers import read_instance
from voxpop.demo.archive.index import LEVELS, Index
from voxpop.demo.archive.model import Instance, LeftOut, Order

SUCCESS, PENDING, CANCELLED = 0x0000, 0xFF00, 0xFE00
BAD_IDENTIFIER, UNREADABLE = 0xA900, 0xC000
PDU_BYTES = 131072
VERIFICATION = "1.2.840.10008.1.1"
SERVICES = (  # PS3.6 A: verification; find by patient and by study root; move and get by study root
    VERIFICATION, "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1",
    "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3",
)  # fmt: skip
PARENTS = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


def serve_dimse(order: Order, index: Index) -> ThreadedAssociationServer:
    """Listen on a free port of loopback; returns the running server."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its messages hold identifiers
    ae = AE(order.aet)
    ae.maximum_pdu_size = PDU_BYTES
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 60
    ae.maximum_associations = 16
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
    for sop_class in SERVICES:
        ae.add_supported_context(sop_class)
    node = _Node(order, index)
    handlers = [
        (evt.EVT_CONN_OPEN, _at_once), (evt.EVT_REQUESTED, node.requested), (evt.EVT_C_STORE, node.store),
        (evt.EVT_C_FIND, node.find), (evt.EVT_C_GET, node.get), (evt.EVT_C_MOVE, node.move),
    ]  # fmt: skip
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)  # type: ignore[arg-type]  # handlers' types are unions of all events
    assert server is not None
    return server


class _Node:
    """The handlers, one for each service."""

    def __init__(self, order: Order, index: Index) -> None:
        self._order = order
        self._index = index
        self._faults = order.faults

    def requested(self, event: evt.Event) -> None:
        if self._faults.refuse_association:
            event.assoc.acse.send_reject(0x01, 0x01, 0x01)  # rejected-permanent, service-user, no reason given
            event.assoc.kill()

    def store(self, event: evt.Event) -> int:
        content = event.encoded_dataset()
        folder = self._order.workdir / "received"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.dcm"
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(content)
        found = read_instance(unfinished)
        if isinstance(found, LeftOut):
            unfinished.unlink()
            return UNREADABLE
        unfinished.replace(path)
        self._index.add(_at(found, path))
        return SUCCESS

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        time.sleep(self._faults.delay_s)
        query = event.identifier
        level = str(query.get("QueryRetrieveLevel", ""))
        if level not in LEVELS:
            yield BAD_IDENTIFIER, None
            return
        for match in self._index.find(level, _keys(query)):
            if event.is_cancelled:
                yield CANCELLED, None
                return
            yield PENDING, _identifier(query, match, level, self._order.aet)

    def get(self, event: evt.Event) -> Iterator[Any]:
        chosen = self._chosen(event.identifier)
        yield len(chosen)
        yield from self._send(event, chosen)

    def move(self, event: evt.Event) -> Iterator[Any]:
        known = self._order.destinations.get(str(event.move_destination).strip())
        if known is None:
            yield (None, None)
            return
        chosen = self._chosen(event.identifier)
        by_class: dict[str, set[str]] = {}
        for instance in chosen:
            by_class.setdefault(instance.sop_class, set()).add(instance.transfer_syntax)
        contexts = [build_context(name, [*sorted(syntaxes)]) for name, syntaxes in sorted(by_class.items())]
        yield (*known, {"contexts": contexts or [build_context(VERIFICATION)]})
        yield len(chosen)
        yield from self._send(event, chosen)

    def _chosen(self, identifier: Dataset) -> list[Instance]:
        chosen = [
            instance
            for keys in [{k: v for k, v in _keys(identifier).items() if k in PARENTS.values()}]
            for match in self._index.find("IMAGE", keys)
            for instance in self._index.instances(match.StudyInstanceUID, match.SeriesInstanceUID, match.SOPInstanceUID)
        ]
        return chosen[: len(chosen) - self._faults.send_fewer] if self._faults.send_fewer else chosen

    def _send(self, event: evt.Event, chosen: list[Instance]) -> Iterator[tuple[int, Dataset | None]]:
        for sent, instance in enumerate(chosen):
            if event.is_cancelled:
                yield CANCELLED, None
                return
            if sent == self._faults.stop_after:
                event.assoc.abort()
                return
            time.sleep(self._faults.delay_s)
            # Elements that nobody looks into stay the bytes that they were.
            yield PENDING, pydicom.dcmread(instance.path)


def _at_once(event: evt.Event) -> None:
    """Send small messages without waiting for more: else each instance waits for a delayed acknowledgement."""
    wire = event.assoc.dul.socket
    if wire is not None and wire.socket is not None:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _at(instance: Instance, path: Path) -> Instance:
    return Instance(
        path, instance.study, instance.series, instance.uid, instance.sop_class, instance.transfer_syntax,
        instance.header,
    )  # fmt: skip


def _keys(query: Dataset) -> dict[str, str]:
    keys = {}
    for element in query:
        value = element.value
        if element.VR == "SQ" or not element.keyword:
            continue
        text = "\\".join(map(str, value)) if isinstance(value, list | tuple) or element.VM > 1 else str(value or "")
        keys[element.keyword] = text
    return keys


def _identifier(query: Dataset, match: Dataset, level: str, aet: str) -> Dataset:
    """Return what was asked for and no more, empty where the archive does not know it."""
    answer = Dataset()
    answer.QueryRetrieveLevel = level
    answer.RetrieveAETitle = aet
    if "SpecificCharacterSet" in match:
        answer.SpecificCharacterSet = match.SpecificCharacterSet
    for element in query:
        if element.tag in answer or element.tag.element == 0:
            continue
        answer[element.tag] = match[element.tag] if element.tag in match else _empty(element)
    parent = PARENTS[level]
    answer[parent] = match[parent]
    return answer


def _empty(element: Any) -> pydicom.DataElement:
    return pydicom.DataElement(element.tag, element.VR, [] if element.VR == "SQ" else None)
