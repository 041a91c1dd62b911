"""An application's way from draft to archive, and who may take which step."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxpop.application.cost import cost
from voxpop.application.document import read_document, template
from voxpop.application.errors import (
    ActorMissing,
    ApplicationFixed,
    GroupsTooLarge,
    NotOffered,
    OwnDecision,
    ReasonMissing,
    RecipeNotApproved,
)
from voxpop.application.fakes import FixedCounts, FixedOffers, FixedPrices, MemoryApplications
from voxpop.application.model import Application, ComputeRequest
from voxpop.application.ports import PriceList
from voxpop.application.service import ApplicationService
from voxpop.application.states import LIFE_CYCLE, ApplicationState
from voxpop.kernel.errors import Absent, IllegalMove, VoxpopError
from voxpop.kernel.ids import ApplicationId

BONES = ApplicationId("bone-density")
PRICES = PriceList("EUR", core_hour=0.02, gpu_hour=1.1, gb_month=0.05)
S = ApplicationState


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def bones(old: str = "", new: str = "") -> Application:
    return read_document(template().replace(old, new) if old else template(), "application.yaml")


def house(osteoporotic: int = 14, control: int = 200) -> tuple[ApplicationService, MemoryApplications]:
    kept = MemoryApplications(StoppedClock())
    counts = FixedCounts({"osteoporotic": osteoporotic, "control": control})
    return ApplicationService(kept, counts, FixedPrices(PRICES), kept), kept


def in_review(osteoporotic: int = 14) -> tuple[ApplicationService, MemoryApplications]:
    service, kept = house(osteoporotic)
    service.draft(bones(), "sam")
    service.submit(BONES, "sam")
    service.take_up(BONES, "mira")
    return service, kept


def test_the_whole_way_leaves_a_history_of_who_when_and_why() -> None:
    service, kept = in_review()
    service.approve(BONES, "mira", "sound and small")
    service.activate(BONES, "voxpop")
    service.close(BONES, "sam", "done")
    service.archive(BONES, "mira")
    steps = service.history(BONES)
    assert [step.target for step in steps] == [
        S.SUBMITTED,
        S.IN_REVIEW,
        S.APPROVED,
        S.ACTIVE,
        S.CLOSED,
        S.ARCHIVED,
    ]
    assert (steps[2].actor, steps[2].reason, steps[2].at) == ("mira", "sound and small", StoppedClock().now())
    assert [event.action for event in kept.events] == [
        "application.drafted",
        "application.submitted",
        "application.in-review",
        "application.approved",
        "application.active",
        "application.closed",
        "application.archived",
    ]
    assert all(event.facts["document_sha256"] == bones().digest for event in kept.events)


@pytest.mark.parametrize("verb", ["approve", "return_", "refuse"])
@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_decision_without_a_reason_is_not_taken(verb: str, reason: str) -> None:
    service, _ = in_review()
    with pytest.raises(ReasonMissing, match="give a reason"):
        getattr(service, verb)(BONES, "mira", reason)
    assert service.state(BONES) is S.IN_REVIEW


@pytest.mark.parametrize("verb", ["approve", "return_", "refuse"])
@pytest.mark.parametrize("actor", ["sam", " SAM ", "ada.ferrer@example.org", "Ada  Ferrer", "ADA.FERRER@example.org"])
def test_nobody_decides_about_an_application_of_their_own(verb: str, actor: str) -> None:
    service, _ = in_review()
    with pytest.raises(OwnDecision, match="someone else of the committee must"):
        getattr(service, verb)(BONES, actor, "because")
    assert service.state(BONES) is S.IN_REVIEW


def test_whoever_submitted_it_once_may_not_decide_even_if_another_submits_it_again() -> None:
    service, _ = in_review()
    service.return_(BONES, "mira", "say more")
    service.submit(BONES, "lee")
    service.take_up(BONES, "mira")
    with pytest.raises(OwnDecision):
        service.approve(BONES, "sam", "because")


def test_a_group_that_asks_for_more_than_exists_stops_the_approval_and_stands_on_the_sheet() -> None:
    service, _ = in_review(osteoporotic=11)
    assert service.review_sheet(BONES).findings == ("group 'osteoporotic' asks for more participants than exist",)
    with pytest.raises(GroupsTooLarge, match="'osteoporotic' asks for more participants than exist"):
        service.approve(BONES, "mira", "because")
    assert service.state(BONES) is S.IN_REVIEW
    service.return_(BONES, "mira", "ask for fewer")


def test_the_sheet_tells_no_count_below_ten() -> None:
    service, _ = in_review(osteoporotic=9)
    told = {group.group: group.available for group in service.review_sheet(BONES).groups}
    assert told == {"osteoporotic": None, "control": 200, "n/a": None}


def test_the_sheet_has_the_cost_by_the_sites_prices() -> None:
    service, _ = in_review()
    bill = service.review_sheet(BONES).cost
    assert (bill.core_hours, bill.gpu_hours, bill.gb_months) == (16 * 24 * 90, 24 * 90, 147.9)
    assert bill.parts == {"cores": 691.2, "gpus": 2376.0, "storage": 7.4}
    assert (bill.money, bill.currency) == (3074.6, "EUR")


def test_a_returned_application_can_be_rewritten_and_handed_in_again() -> None:
    service, _ = in_review()
    service.return_(BONES, "mira", "ask for fewer")
    fewer = bones("number: 12 # at most", "number: 5 # at most")
    assert service.draft(fewer, "sam") is S.RETURNED
    service.submit(BONES, "sam")
    assert service.get(BONES) == fewer


def test_an_application_in_review_keeps_its_document() -> None:
    service, _ = in_review()
    with pytest.raises(ApplicationFixed, match="is in review and its document is fixed"):
        service.draft(bones("cores: 16", "cores: 32"), "sam")
    assert service.draft(bones(), "sam") is S.IN_REVIEW


def test_the_same_draft_twice_is_one_draft() -> None:
    service, kept = house()
    service.draft(bones(), "sam")
    service.draft(bones(), "sam")
    assert len(kept.events) == 1


def test_activating_and_closing_twice_is_once() -> None:
    service, kept = in_review()
    service.approve(BONES, "mira", "good")
    for _ in range(2):
        service.activate(BONES, "voxpop")
    for _ in range(2):
        service.close(BONES, "voxpop")
    assert [step.target for step in service.history(BONES)].count(S.ACTIVE) == 1
    assert len(kept.events) == 6


def test_a_step_needs_somebody_who_takes_it() -> None:
    service, _ = house()
    with pytest.raises(ActorMissing):
        service.draft(bones(), " ")


def test_a_recipe_that_is_not_here_is_named_when_the_application_is_handed_in() -> None:
    kept = MemoryApplications(StoppedClock())
    offers = FixedOffers(["portal", "htcondor", "octave", "python-imaging"], ["bone-density/1.0.0"])
    service = ApplicationService(kept, FixedCounts({}), FixedPrices(PRICES), kept, offers)
    service.draft(bones(), "sam")
    with pytest.raises(NotOffered, match="recipe 'caffe-models', which is not here"):
        service.submit(BONES, "sam")
    service.draft(bones(", caffe-models", ""), "sam")
    service.submit(BONES, "sam")


def test_a_recipe_that_is_not_approved_is_named_when_the_application_is_handed_in() -> None:
    kept = MemoryApplications(StoppedClock())
    offers = FixedOffers(["portal", "htcondor", "octave", "python-imaging"], ["bone-density/1.0.0"], ["caffe-models"])
    service = ApplicationService(kept, FixedCounts({}), FixedPrices(PRICES), kept, offers)
    service.draft(bones(), "sam")
    with pytest.raises(RecipeNotApproved, match="'caffe-models', which is not approved: ask the technical manager"):
        service.submit(BONES, "sam")


def test_an_unknown_application_is_absent() -> None:
    service, _ = house()
    with pytest.raises(Absent, match="no application 'bone-density'"):
        service.submit(BONES, "sam")
    with pytest.raises(Absent):
        service.history(BONES)


VERBS = ["submit", "take_up", "approve", "return_", "refuse", "activate", "close", "archive"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(VERBS), max_size=12))
def test_no_order_of_steps_leaves_the_transition_table(verbs: list[str]) -> None:
    service, _ = house()
    service.draft(bones(), "sam")
    for verb in verbs:
        before = service.state(BONES)
        reason = ("because",) if verb in {"approve", "return_", "refuse"} else ()
        try:
            getattr(service, verb)(BONES, "mira" if reason or verb == "take_up" else "sam", *reason)
        except IllegalMove:
            assert service.state(BONES) is before
        except VoxpopError as error:
            raise AssertionError(verb) from error
    steps = [S.DRAFT, *(step.target for step in service.history(BONES))]
    assert all(LIFE_CYCLE.allows(source, target) for source, target in pairwise(steps))


@given(
    st.builds(
        ComputeRequest,
        cores=st.integers(1, 1000),
        memory_gb=st.integers(1, 1000),
        gpus=st.integers(0, 100),
        storage_gb=st.integers(1, 10**6),
        days=st.integers(1, 3650),
    )
)
def test_the_parts_of_a_bill_add_up_to_the_cent(compute: ComputeRequest) -> None:
    bill = cost(compute, PRICES)
    assert round(sum(bill.parts.values()), 2) == bill.money
    assert bill.core_hours == compute.cores * 24 * compute.days
