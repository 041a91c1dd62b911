"""The one permission table: who may do what.

A row is an action; a column is a role in the bank or in the project that the thing belongs to. Every page, every call
of the API and every command names its action, and a test walks all of them with every role: one without a row here
fails the build. What may not be read is answered as if it were not there.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from voxpop.access.model import ProjectRole, Role


class Action(StrEnum):
    """What can be done."""

    SIGN_IN = "sign-in"
    HOME = "home"
    OWN_ACCOUNT = "account.own"
    APPLICATION_WRITE = "application.write"
    APPLICATION_LIST = "application.list"
    APPLICATION_READ = "application.read"
    APPLICATION_CHANGE = "application.change"
    APPLICATION_REVIEW = "application.review"
    APPLICATION_CLOSE = "application.close"
    PROJECT_MEMBERS = "project.members"
    COHORT_COUNT = "cohort.count"
    COHORT_FREEZE = "cohort.freeze"
    ARCHIVE_READ = "archive.read"
    ARCHIVE_MANAGE = "archive.manage"
    PROFILE_READ = "profile.read"
    STAGING_READ = "staging.read"
    STAGING_EXACT = "staging.exact"
    STAGING_START = "staging.start"
    VOLUME_LIST = "volume.list"
    VOLUME_READ = "volume.read"
    VOLUME_OPEN = "volume.open"
    VOLUME_VERIFY = "volume.verify"
    VOLUME_GRANT = "volume.grant"
    VOLUME_REMOVE = "volume.remove"
    APPLIANCE_LIST = "appliance.list"
    APPLIANCE_READ = "appliance.read"
    APPLIANCE_DEPLOY = "appliance.deploy"
    APPLIANCE_RESIZE = "appliance.resize"
    APPLIANCE_SHELL = "appliance.shell"
    APPLIANCE_REMOVE = "appliance.remove"
    PIPELINE_READ = "pipeline.read"
    RECIPE_READ = "recipe.read"
    RECIPE_ADD = "recipe.add"
    RECIPE_DECIDE = "recipe.decide"
    SITE_READ = "site.read"
    SITE_MANAGE = "site.manage"
    RUN_LIST = "run.list"
    RUN_READ = "run.read"
    RUN_START = "run.start"
    RUN_CANCEL = "run.cancel"
    RESULT_LIST = "result.list"
    RESULT_READ = "result.read"
    RESULT_CHECK = "result.check"
    RELEASE_ASK = "release.ask"
    RELEASE_WITHDRAW = "release.withdraw"
    RELEASE_READ = "release.read"
    RELEASE_DECIDE = "release.decide"
    RELEASE_FETCH = "release.fetch"
    OPERATION_READ = "operation.read"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    ROLE_FETCH = "role.fetch"
    HEALTH_READ = "health.read"
    METRICS_READ = "metrics.read"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do one thing.

    Parameters
    ----------
    site : frozenset of Role
        Roles in the bank that may do it everywhere.
    project : frozenset of ProjectRole
        Roles in a project that may do it to what belongs to that project.
    signed_in : bool
        Whether everyone who has signed in may.
    everyone : bool
        Whether it needs no sign-in.
    """

    site: frozenset[Role] = frozenset()
    project: frozenset[ProjectRole] = frozenset()
    signed_in: bool = False
    everyone: bool = False


_R, _P, _A = Role, ProjectRole, Action
_TEAM = frozenset(_P)
_KEEPERS = frozenset({_R.DATA_MANAGER, _R.AUDITOR})
_SEES_PROJECTS = frozenset({_R.COMMITTEE, _R.DATA_MANAGER, _R.TECHNICAL_MANAGER, _R.AUDITOR})
_DATA = frozenset({_R.DATA_MANAGER})
_TECHNICAL = frozenset({_R.TECHNICAL_MANAGER})
_SIGNED_IN = Rule(signed_in=True)

TABLE: Mapping[Action, Rule] = {
    _A.SIGN_IN: Rule(everyone=True),
    _A.HOME: _SIGNED_IN,
    _A.OWN_ACCOUNT: _SIGNED_IN,
    _A.APPLICATION_WRITE: Rule(site=frozenset({_R.RESEARCHER})),
    _A.APPLICATION_LIST: _SIGNED_IN,  # the list holds what may be read
    _A.APPLICATION_READ: Rule(site=_SEES_PROJECTS, project=_TEAM),
    _A.APPLICATION_CHANGE: Rule(project=frozenset({_P.APPLICANT})),
    _A.APPLICATION_REVIEW: Rule(site=frozenset({_R.COMMITTEE})),
    _A.APPLICATION_CLOSE: Rule(site=_DATA, project=frozenset({_P.APPLICANT})),
    _A.PROJECT_MEMBERS: Rule(site=_DATA, project=frozenset({_P.APPLICANT})),
    _A.COHORT_COUNT: Rule(site=frozenset({_R.RESEARCHER, _R.COMMITTEE, _R.DATA_MANAGER})),
    _A.COHORT_FREEZE: Rule(site=_DATA),
    _A.ARCHIVE_READ: Rule(site=_KEEPERS | _TECHNICAL),
    _A.ARCHIVE_MANAGE: Rule(site=_DATA),
    _A.PROFILE_READ: _SIGNED_IN,
    _A.STAGING_READ: Rule(site=_KEEPERS, project=_TEAM),
    _A.STAGING_EXACT: Rule(site=_DATA),  # small counts, and what became of one study
    _A.STAGING_START: Rule(site=_DATA),
    _A.VOLUME_LIST: _SIGNED_IN,
    _A.VOLUME_READ: Rule(site=_KEEPERS, project=_TEAM),
    # Images are for who was granted them; the owner of a right to stage them is not one.
    _A.VOLUME_OPEN: Rule(site=_DATA, project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.VOLUME_VERIFY: Rule(site=_KEEPERS),
    _A.VOLUME_GRANT: Rule(site=_DATA),
    _A.VOLUME_REMOVE: Rule(site=_DATA),
    _A.APPLIANCE_LIST: _SIGNED_IN,
    _A.APPLIANCE_READ: Rule(site=_KEEPERS | _TECHNICAL, project=_TEAM),
    _A.APPLIANCE_DEPLOY: Rule(site=_TECHNICAL, project=_TEAM),
    _A.APPLIANCE_RESIZE: Rule(site=_TECHNICAL, project=frozenset({_P.APPLICANT, _P.IT_CONTACT})),
    _A.APPLIANCE_SHELL: Rule(project=_TEAM),
    _A.APPLIANCE_REMOVE: Rule(site=_TECHNICAL, project=frozenset({_P.APPLICANT, _P.IT_CONTACT})),
    _A.PIPELINE_READ: _SIGNED_IN,
    _A.RECIPE_READ: _SIGNED_IN,
    _A.RECIPE_ADD: Rule(site=frozenset({_R.RESEARCHER}) | _TECHNICAL),
    _A.RECIPE_DECIDE: Rule(site=_TECHNICAL),  # not what one added oneself
    _A.SITE_READ: _SIGNED_IN,
    _A.SITE_MANAGE: Rule(site=_TECHNICAL),
    _A.RUN_LIST: _SIGNED_IN,
    _A.RUN_READ: Rule(site=_KEEPERS | _TECHNICAL, project=_TEAM),
    _A.RUN_START: Rule(project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RUN_CANCEL: Rule(site=_TECHNICAL, project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RESULT_LIST: _SIGNED_IN,
    _A.RESULT_READ: Rule(site=_KEEPERS, project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RESULT_CHECK: Rule(site=_DATA, project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RELEASE_ASK: Rule(project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RELEASE_WITHDRAW: Rule(project=frozenset({_P.APPLICANT, _P.MEMBER})),  # one's own
    _A.RELEASE_READ: Rule(site=_KEEPERS, project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.RELEASE_DECIDE: Rule(site=_DATA),
    _A.RELEASE_FETCH: Rule(project=frozenset({_P.APPLICANT, _P.MEMBER})),
    _A.OPERATION_READ: _SIGNED_IN,  # of what may be read
    _A.PEOPLE_READ: Rule(site=_TECHNICAL | _KEEPERS),
    _A.PEOPLE_MANAGE: Rule(site=_TECHNICAL),
    _A.AUDIT_READ: Rule(site=frozenset({_R.AUDITOR})),
    _A.AUDIT_VERIFY: Rule(site=frozenset({_R.AUDITOR})),
    _A.ROLE_FETCH: Rule(everyone=True),  # machines of a cloud have no account, and recipes no secret
    _A.HEALTH_READ: Rule(everyone=True),
    _A.METRICS_READ: Rule(everyone=True),  # counts and times alone; the reverse proxy says who reaches it
}
"""Who may do what."""

READING: Mapping[str, Action] = {
    "application": _A.APPLICATION_READ,
    "cohort": _A.STAGING_READ,
    "volume": _A.VOLUME_READ,
    "appliance": _A.APPLIANCE_READ,
    "run": _A.RUN_READ,
    "release": _A.RELEASE_READ,
}
"""What a thing of each kind must allow before it is admitted that it is there."""


def allows(action: Action, roles: Set[Role], project_roles: Set[ProjectRole] = frozenset()) -> bool:
    """Say whether someone signed in with these roles may do something.

    Parameters
    ----------
    roles : set of Role
        In the whole bank.
    project_roles : set of ProjectRole
        In the project that the thing belongs to; empty where it belongs to none.
    """
    rule = TABLE[action]
    return rule.everyone or rule.signed_in or bool(rule.site & roles) or bool(rule.project & project_roles)
