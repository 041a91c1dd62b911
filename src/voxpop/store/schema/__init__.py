"""The tables."""

from sqlalchemy import Table

from voxpop.store.schema.audit import AuditRow, MoveRow, OutboxRow
from voxpop.store.schema.base import Base, UtcDateTime
from voxpop.store.schema.data import ArchiveRow, CohortRow, GrantRow, StagedSeriesRow, StagedStudyRow, VolumeRow
from voxpop.store.schema.people import (
    AccountRow,
    AnswerRow,
    FailureRow,
    GroupRow,
    MembershipRow,
    OperationRow,
    SessionRow,
    TokenRow,
    WebhookRow,
)
from voxpop.store.schema.projects import ApplicationRow, EgressRow, RemarkRow, ResultRow, RunRow
from voxpop.store.schema.sites import ApplianceRow, QuotaRow, RecipeRow, ScalingRow, SiteRow

STATEFUL: dict[str, Table] = {
    kind: Base.metadata.tables[kind] for kind in ("application", "volume", "appliance", "run", "egress", "recipe")
}
"""Which table holds the state of which kind of subject."""

__all__ = [
    "STATEFUL",
    "AccountRow",
    "AnswerRow",
    "ApplianceRow",
    "ApplicationRow",
    "ArchiveRow",
    "AuditRow",
    "Base",
    "CohortRow",
    "EgressRow",
    "FailureRow",
    "GrantRow",
    "GroupRow",
    "MembershipRow",
    "MoveRow",
    "OperationRow",
    "OutboxRow",
    "QuotaRow",
    "RecipeRow",
    "RemarkRow",
    "ResultRow",
    "RunRow",
    "ScalingRow",
    "SessionRow",
    "SiteRow",
    "StagedSeriesRow",
    "StagedStudyRow",
    "TokenRow",
    "UtcDateTime",
    "VolumeRow",
    "WebhookRow",
]
