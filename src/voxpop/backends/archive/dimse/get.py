"""C-GET: the instances come back over the association that asked (PS3.4 C.4.3)."""

from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined] # pynetdicom makes these names at import
    StudyRootQueryRetrieveInformationModelGet as StudyRootGet,
)

from voxpop.backends.archive.dimse.contexts import offered
from voxpop.backends.archive.dimse.outcome import Arrival, final_status, judge
from voxpop.backends.archive.dimse.peer import Peer
from voxpop.dicom.landing import Landing
from voxpop.staging.model import SeriesRequest


def series_identifier(request: SeriesRequest) -> Dataset:
    """Return the identifier that asks for one series."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "SERIES"
    identifier.StudyInstanceUID = request.study
    identifier.SeriesInstanceUID = request.series
    return identifier


class Get:
    """Retrieval by C-GET."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def fetch(self, request: SeriesRequest, landing: Landing) -> None:
        """Bring a series' instances into the landing."""
        contexts = [build_context(StudyRootGet), *offered(others=1)]
        kinds = dict.fromkeys(context.abstract_syntax for context in contexts[1:])
        roles = [build_role(kind, scp_role=True) for kind in kinds if kind is not None]
        arrival = Arrival()
        arrival.landing = landing
        with self._peer.association(contexts, "C-GET", roles, [(evt.EVT_C_STORE, arrival.store)]) as association:
            status = final_status(association.send_c_get(series_identifier(request), StudyRootGet))
        judge(self._peer.archive, status, arrival, landing)

    def close(self) -> None:
        """Give back nothing: each series has an association of its own."""
