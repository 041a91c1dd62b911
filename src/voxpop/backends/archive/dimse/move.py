"""C-MOVE: we ask, and the archive stores to us over an association of its own (PS3.4 C.4.2)."""

import threading

from pynetdicom import evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # pynetdicom makes these names at import
    StudyRootQueryRetrieveInformationModelMove as StudyRootMove,
)
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # see above
from pynetdicom.transport import ThreadedAssociationServer

from voxpop.backends.archive.dimse.contexts import accepted
from voxpop.backends.archive.dimse.get import series_identifier
from voxpop.backends.archive.dimse.outcome import Arrival, final_status, judge
from voxpop.backends.archive.dimse.peer import Peer
from voxpop.dicom.archives import WrongSettings
from voxpop.dicom.landing import Landing
from voxpop.staging.model import SeriesRequest


class Move:
    """Retrieval by C-MOVE, one series at a time: our store has one port, and the archive knows it.

    Parameters
    ----------
    aet : str
        The AE title under which the archive knows our store.
    port : int
        Where our store listens; 0 takes a free port, for archives that learn it from us.
    """

    def __init__(self, peer: Peer, aet: str, port: int) -> None:
        self._peer = peer
        self._aet = aet
        self._port = port
        self._arrival = Arrival()
        self._store: ThreadedAssociationServer | None = None
        self._turn = threading.Lock()

    def fetch(self, request: SeriesRequest, landing: Landing) -> None:
        """Bring a series' instances into the landing."""
        with self._turn:
            self.listen()
            arrival = self._arrival
            arrival.begin(landing)
            try:
                with self._peer.association([build_context(StudyRootMove)], "C-MOVE") as association:
                    answers = association.send_c_move(series_identifier(request), self._aet, StudyRootMove)
                    status = final_status(answers)
            finally:
                arrival.landing = None  # what comes late finds nobody
            judge(self._peer.archive, status, arrival, landing)

    def listen(self) -> int:
        """Start our store if it does not run, and return its port."""
        if self._store is None:
            entity = self._peer.entity()
            entity.ae_title = self._aet
            try:
                self._store = entity.start_server(
                    ("", self._port),
                    block=False,
                    contexts=[*accepted(), build_context(Verification)],
                    evt_handlers=[(evt.EVT_C_STORE, self._arrival.store)],
                )
            except OSError as error:
                raise WrongSettings(self._peer.archive, f"port {self._port} of move_port is taken") from error
        if self._store is None:
            raise WrongSettings(self._peer.archive, f"port {self._port} of move_port cannot be opened")
        return int(self._store.server_address[1])

    def close(self) -> None:
        """Stop our store."""
        if self._store is not None:
            self._store.shutdown()
            self._store = None
