"""De-identification by DICOM PS3.15 Annex E, and default deny beyond its table.

Retrieved objects go through :func:`scrub_series` (one series, the step of a staging) or :func:`deid_folder` (a tree of
files); :func:`load_profile` says what is kept, :class:`PatientKey` gives pseudonyms, :func:`explain` the reasons.
"""

from voxpop.staging.deid.errors import (
    FolderUnusable,
    KeyUnusable,
    ObjectRefused,
    ProfileAbsent,
    ProfileInvalid,
    RefusalReason,
    UnknownTag,
)
from voxpop.staging.deid.explain import Explanation, explain
from voxpop.staging.deid.facts import SeriesFacts
from voxpop.staging.deid.folder import FileFate, FolderReport, deid_folder
from voxpop.staging.deid.keys import PatientKey, load_secret, new_secret, save_secret
from voxpop.staging.deid.profile import DEFAULT_PROFILE, Profile, list_profiles, load_profile
from voxpop.staging.deid.rules import Action, Rule
from voxpop.staging.deid.scrub import (
    ObjectOutcome,
    ScrubbedFile,
    ScrubContext,
    SeriesScrub,
    scrub_file,
    scrub_series,
)
from voxpop.staging.deid.times import without_times

__all__ = [
    "DEFAULT_PROFILE",
    "Action",
    "Explanation",
    "FileFate",
    "FolderReport",
    "FolderUnusable",
    "KeyUnusable",
    "ObjectOutcome",
    "ObjectRefused",
    "PatientKey",
    "Profile",
    "ProfileAbsent",
    "ProfileInvalid",
    "RefusalReason",
    "Rule",
    "ScrubContext",
    "ScrubbedFile",
    "SeriesFacts",
    "SeriesScrub",
    "UnknownTag",
    "deid_folder",
    "explain",
    "list_profiles",
    "load_profile",
    "load_secret",
    "new_secret",
    "save_secret",
    "scrub_file",
    "scrub_series",
    "without_times",
]
