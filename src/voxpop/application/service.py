"""The use cases of an application's life."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from voxpop.application.cost import cost
from voxpop.application.errors import (
    ActorMissing,
    AlreadyEndorsed,
    ApplicationFixed,
    GroupsTooLarge,
    NotOffered,
    OwnDecision,
    ReasonMissing,
    RecipeNotApproved,
    RemarkEmpty,
    sentence_of_groups,
)
from voxpop.application.model import Application, Decision, Remark
from voxpop.application.ports import Applications, Counts, Offers, Prices
from voxpop.application.review import ReviewSheet
from voxpop.application.states import LIFE_CYCLE, ApplicationState
from voxpop.kernel.clock import Clock, SystemClock
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Absent
from voxpop.kernel.ids import ApplicationId
from voxpop.kernel.ledger import Event, Ledger

_S = ApplicationState
_LONGEST_REMARK = 4000
_REWRITABLE = frozenset({_S.DRAFT, _S.RETURNED})


def _alone(person: str) -> Sequence[str]:
    return (person,)


@dataclass(frozen=True, slots=True)
class Board:
    """How the committee decides.

    Parameters
    ----------
    reviewers : int
        How many of its members must be for an application before it is approved.
    aliases : callable
        Returns every word by which a person may be named in an application.
    clock : Clock
        Gives each remark its time.
    """

    reviewers: int = 1
    aliases: Callable[[str], Sequence[str]] = _alone
    clock: Clock = field(default_factory=SystemClock)


ONE_REVIEWER = Board()


class ApplicationService:
    """Drafts, submissions, reviews and decisions.

    Parameters
    ----------
    applications : Applications
        Where they are kept.
    counts : Counts
        What the archive could give.
    prices : Prices
        What the site would charge.
    ledger : Ledger
        The one way to change a state; its clock gives each decision its time.
    offers : Offers or None
        The recipes and pipelines that there are; None lets every name pass.
    board : Board
        How the committee decides.
    """

    def __init__(
        self,
        applications: Applications,
        counts: Counts,
        prices: Prices,
        ledger: Ledger,
        offers: Offers | None = None,
        *,
        board: Board = ONE_REVIEWER,
    ) -> None:
        self._applications = applications
        self._counts = counts
        self._prices = prices
        self._ledger = ledger
        self._offers = offers
        self._board = board

    def draft(self, application: Application, actor: str) -> ApplicationState:
        """Keep an application as a draft, or replace a draft's or returned one's document.

        The same document again is silent in every state.

        Raises
        ------
        ApplicationFixed
            If another document under this id is past the draft.
        """
        _check_actor(application.id, actor)
        try:
            state = self._applications.state(application.id)
        except Absent:
            self._applications.add(application, actor)
            return _S.DRAFT
        if self._applications.get(application.id).digest == application.digest:
            return state
        if state not in _REWRITABLE:
            raise ApplicationFixed(application.id, state.value)
        self._applications.replace(application, actor)
        return state

    def submit(self, application: ApplicationId, actor: str) -> None:
        """Hand a draft or returned application in.

        Raises
        ------
        NotOffered
            If it asks for a recipe or pipeline that is not here.
        RecipeNotApproved
            If it asks for a recipe that was added and not approved.
        IllegalMove
            If it was handed in already.
        """
        self.check_offers(self._applications.get(application))
        self._move(application, _S.SUBMITTED, actor)

    def take_up(self, application: ApplicationId, actor: str) -> None:
        """Begin the review of a submitted application."""
        self._move(application, _S.IN_REVIEW, actor)

    def approve(self, application: ApplicationId, actor: str, reason: str) -> None:
        """Decide for an application; where several reviewers are needed, the last of them approves it.

        Raises
        ------
        ReasonMissing, OwnDecision
            If there is no reason, or the decider is an investigator or the submitter.
        GroupsTooLarge
            If a group asks for more participants than exist.
        IllegalMove
            If it is not in review.
        """
        self._check_decision(application, _S.APPROVED, actor, ("approve", reason))
        short = self._counts.exact_shortfall(self._applications.get(application).request)
        if short:
            raise GroupsTooLarge(application, short)
        missing = self.reviewers_missing(application)
        if any(self._is(actor, one.actor) for one in self._endorsements(application)):
            raise AlreadyEndorsed(application, missing)
        if missing > 1:
            digest = self._applications.get(application).digest
            self._applications.remark(application, Remark(actor, self._board.clock.now(), reason.strip(), digest))
            return
        self._move(application, _S.APPROVED, actor, reason)

    def reviewers_missing(self, application: ApplicationId) -> int:
        """Say how many reviewers must still be for an application, as it is written now."""
        return max(1, self._board.reviewers - len(self._endorsements(application)))

    def remark(self, application: ApplicationId, actor: str, text: str) -> None:
        """Write a remark beside an application; the applicants read it.

        Raises
        ------
        RemarkEmpty
            If it says nothing, or more than 4,000 characters.
        """
        _check_actor(application, actor)
        self._applications.state(application)
        if not 0 < len(text.strip()) <= _LONGEST_REMARK:
            raise RemarkEmpty(_LONGEST_REMARK)
        self._applications.remark(application, Remark(actor, self._board.clock.now(), text.strip()))

    def remarks(self, application: ApplicationId) -> Sequence[Remark]:
        """Return what was written beside an application, the oldest first."""
        return self._applications.remarks(application)

    def return_(self, application: ApplicationId, actor: str, reason: str) -> None:
        """Ask an application back for changes; raises as ``approve`` does, but for the groups."""
        self._check_decision(application, _S.RETURNED, actor, ("return", reason))
        self._move(application, _S.RETURNED, actor, reason)

    def refuse(self, application: ApplicationId, actor: str, reason: str) -> None:
        """Decide against an application; raises as ``approve`` does, but for the groups."""
        self._check_decision(application, _S.REFUSED, actor, ("refuse", reason))
        self._move(application, _S.REFUSED, actor, reason)

    def activate(self, application: ApplicationId, actor: str, reason: str = "") -> None:
        """Note that an approved application's data or environment is there; silent if it is active already."""
        self._move_once(application, _S.ACTIVE, actor, reason)

    def close(self, application: ApplicationId, actor: str, reason: str = "") -> None:
        """End an application's life; silent if it is closed already."""
        self._move_once(application, _S.CLOSED, actor, reason)

    def archive(self, application: ApplicationId, actor: str, reason: str = "") -> None:
        """Put a closed or refused application away; silent if it is archived already."""
        self._move_once(application, _S.ARCHIVED, actor, reason)

    def review_sheet(self, application: ApplicationId) -> ReviewSheet:
        """Return what the committee sees before it decides: counts, cost and findings."""
        written = self._applications.get(application)
        short = self._counts.exact_shortfall(written.request)
        return ReviewSheet(
            application=written,
            state=self._applications.state(application),
            groups=tuple(self._counts.groups(written.request)),
            cost=cost(written.compute, self._prices.price_list()),
            findings=(sentence_of_groups(short),) if short else (),
        )

    def history(self, application: ApplicationId) -> Sequence[Decision]:
        """Return every step of an application's life, the oldest first."""
        self._applications.state(application)
        return self._applications.decisions(application)

    def get(self, application: ApplicationId) -> Application:
        """Return an application, or raise ``Absent``."""
        return self._applications.get(application)

    def state(self, application: ApplicationId) -> ApplicationState:
        """Return where an application stands, or raise ``Absent``."""
        return self._applications.state(application)

    def every(self) -> Sequence[tuple[Application, ApplicationState]]:
        """Return all applications with their states, by id."""
        return self._applications.every()

    def _move_once(self, application: ApplicationId, target: ApplicationState, actor: str, reason: str) -> None:
        if self._applications.state(application) is not target:
            self._move(application, target, actor, reason)

    def _move(self, application: ApplicationId, target: ApplicationState, actor: str, reason: str = "") -> None:
        _check_actor(application, actor)
        source = self._applications.state(application)
        subject = f"application:{application}"
        LIFE_CYCLE.check(subject, source, target)
        written = self._applications.get(application)
        facts: dict[str, Json] = {"document_sha256": written.digest}
        if target is _S.APPROVED:
            facts["may_leave"] = list(written.request.may_leave)
        action = f"application.{target.value.replace(' ', '-')}"
        self._ledger.move(subject, source, target, Event(action, subject, actor, reason.strip(), facts))

    def _check_decision(
        self, application: ApplicationId, target: ApplicationState, actor: str, decision: tuple[str, str]
    ) -> None:
        verb, reason = decision
        _check_actor(application, actor)
        LIFE_CYCLE.check(f"application:{application}", self._applications.state(application), target)
        if not reason.strip():
            raise ReasonMissing(application, verb)
        part = self._part_of(application, actor)
        if part:
            raise OwnDecision(application, actor, part)

    def _part_of(self, application: ApplicationId, actor: str) -> str:
        """Say which part a person has in an application; empty for none."""
        for person in self._applications.get(application).investigators:
            if self._is(actor, person.name) or self._is(actor, person.email):
                return "an investigator"
        submitters = [step.actor for step in self._applications.decisions(application) if step.target is _S.SUBMITTED]
        return "the submitter" if any(self._is(actor, submitter) for submitter in submitters) else ""

    def _endorsements(self, application: ApplicationId) -> Sequence[Remark]:
        """Return who is for the application as it is written now; a rewritten one begins anew."""
        digest = self._applications.get(application).digest
        return [one for one in self._applications.remarks(application) if one.endorses == digest]

    def _is(self, actor: str, named: str) -> bool:
        return any(_same(alias, named) for alias in self._board.aliases(actor))

    def check_offers(self, application: Application) -> None:
        """Refuse what is not to be had here, before anything is kept.

        Raises
        ------
        NotOffered
            If it asks for a recipe or pipeline that is not here.
        RecipeNotApproved
            If it asks for a recipe that was added and not approved.
        """
        if self._offers is None:
            return
        waiting = self._offers.recipes_waiting()
        for name in application.software:
            if name in waiting:
                raise RecipeNotApproved(application.id, name)
        _check_offered(application.id, "recipe", application.software, self._offers.recipes())
        _check_offered(application.id, "pipeline", (application.pipeline,), self._offers.pipelines())


def _check_offered(application: ApplicationId, kind: str, asked: Sequence[str], offered: Sequence[str]) -> None:
    for name in asked:
        if name not in offered:
            near = get_close_matches(name, offered, 1)
            raise NotOffered(application, kind, name, near[0] if near else "")


def _check_actor(application: ApplicationId, actor: str) -> None:
    if not actor.strip():
        raise ActorMissing(application)


def _same(one: str, other: str) -> bool:
    return bool(one.strip()) and " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
