"""Names of things, so that one kind of id cannot stand where another is meant."""

from typing import NewType

ApplicationId = NewType("ApplicationId", str)
CohortId = NewType("CohortId", str)
VolumeId = NewType("VolumeId", str)
ApplianceId = NewType("ApplianceId", str)
RunId = NewType("RunId", str)

StudyUID = NewType("StudyUID", str)
SeriesUID = NewType("SeriesUID", str)
InstanceUID = NewType("InstanceUID", str)

ParticipantLabel = NewType("ParticipantLabel", str)
"""A pseudonym as BIDS writes it after ``sub-``: lower-case letters and digits only."""
