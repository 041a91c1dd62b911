"""Associations with the archive: opened, or refused in one sentence; always ended."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from voxpop.dicom.archives import ArchiveUnreachable, AssociationRefused

PDU = 131_072  # bytes; 16 k, the default, costs a third of the speed
CONNECT_S = 10.0
ASSOCIATE_S = 30.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The archive's address and ours.

    Parameters
    ----------
    aet, calling_aet : str
        The archive's AE title, and ours.
    timeout_s : float
        How long the archive may be silent in an association.
    """

    archive: str
    host: str
    port: int
    aet: str
    calling_aet: str
    timeout_s: float
    tls: ssl.SSLContext | None = None

    def entity(self) -> AE:
        """Return an application entity with our title and limits."""
        entity = AE(ae_title=self.calling_aet)
        entity.connection_timeout = CONNECT_S
        entity.acse_timeout = ASSOCIATE_S
        entity.dimse_timeout = self.timeout_s
        entity.network_timeout = self.timeout_s
        entity.maximum_pdu_size = PDU
        return entity

    @contextmanager
    def association(
        self,
        contexts: Sequence[PresentationContext],
        asked: str,
        roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
        handlers: Sequence[evt.EventHandlerType] = (),
    ) -> Iterator[Association]:
        """Hold an association in which the first context was accepted.

        Parameters
        ----------
        asked : str
            What it is for, in the words of the error: ``C-FIND``.

        Raises
        ------
        ArchiveUnreachable
            If nobody listens there.
        AssociationRefused
            If the archive rejects us, or does not offer the first context.
        """
        reached: list[bool] = []
        association = self.entity().associate(
            self.host,
            self.port,
            contexts=list(contexts),
            ae_title=self.aet,
            max_pdu=PDU,
            ext_neg=list(roles),
            tls_args=(self.tls, self.host) if self.tls else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, lambda _: reached.append(True)), *handlers],
        )
        if not association.is_established:
            if association.rejected_contexts:  # none was left, and pynetdicom has aborted
                raise AssociationRefused(self.archive, asked)
            if association.is_rejected or reached:
                raise AssociationRefused(self.archive, "the association")
            raise ArchiveUnreachable(self.archive)
        try:
            wanted = contexts[0].abstract_syntax
            if all(context.abstract_syntax != wanted for context in association.accepted_contexts):
                raise AssociationRefused(self.archive, asked)
            yield association
        finally:
            if association.is_established:
                association.release()
