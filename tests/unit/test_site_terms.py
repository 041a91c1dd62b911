"""What a site is offered under, and whether it may serve an environment."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.appliance.brokering import DataRule, Fit, Place, Standing, order, refusal
from voxpop.appliance.changes import changes, machines
from voxpop.appliance.errors import SiteSettingInvalid
from voxpop.appliance.model import Environment, Workers
from voxpop.appliance.terms import Capacity, DataPolicy, Hours, Limits, Quota, Terms, read_terms
from voxpop.appliance.tosca import Blueprint
from voxpop.appliance.tosca.parts import SoftwareNode

ASKED = Environment("words", ("octave",), 8, 16, 1, 50, 30, "words/1.0.0")
QUEUED = replace(ASKED, workers=Workers(1, 4, 2, 4))
HERE = DataRule("ES")
COUNTRY = st.sampled_from(["ES", "PT", "FR", ""])


def test_terms_are_read_as_they_were_given() -> None:
    terms = read_terms("far", {"cores": "8", "gpus": "0", "core_hour": "0.05", "jurisdiction": "PT", "hours": "20-06"})
    assert (terms.capacity, terms.core_hour, terms.jurisdiction) == (Capacity(cores=8, gpus=0), 0.05, "PT")
    assert terms.hours == Hours(20, 6)
    assert terms.hours.length_h == 10
    assert read_terms("far", {}) == Terms()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cores": "many"}, "'cores' must be a whole number from 1 on"),
        ({"cores": "0"}, "'cores' must be a whole number from 1 on"),
        ({"core_hour": "-1"}, "'core_hour' must be a price"),
        ({"gpu_hour": "nan"}, "'gpu_hour' must be a price"),
        ({"jurisdiction": "Spain"}, "'jurisdiction' must be a country's two letters"),
        ({"jurisdiction": "XX"}, "'jurisdiction' must be a country's two letters"),
        ({"data": "some"}, "'data' must be one of any, same-jurisdiction, none"),
        ({"hours": "8-8"}, "'hours' must be two hours"),
        ({"hours": "8-25"}, "'hours' must be two hours"),
        ({"currency": "USD"}, "'currency' goes together with all prices"),
        ({"colour": "blue"}, "'colour' is none"),
    ],
)
def test_a_wrong_term_is_told_by_its_name(given: dict[str, str], said: str) -> None:
    with pytest.raises(SiteSettingInvalid, match=said):
        read_terms("far", given)


def test_a_site_without_terms_may_serve_everything() -> None:
    assert refusal(ASKED, DataRule(), Place(Terms())) == ""


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms(jurisdiction="PT"), "is in PT, and the data may not leave ES"),
        (Terms(), "is in a jurisdiction that nobody has said, and the data may not leave ES"),
        (Terms(jurisdiction="ES", data=DataPolicy.NONE), "takes no data"),
        (Terms(jurisdiction="ES", hours=Hours(20, 6)), "without a queue nothing can wait"),
        (Terms(Capacity(cores=4), jurisdiction="ES"), "has 4 cores, and 8 are asked for"),
        (Terms(Capacity(gpus=0), jurisdiction="ES"), "has 0 GPUs, and 1 are asked for"),
    ],
)
def test_a_site_is_refused_in_one_clause(terms: Terms, said: str) -> None:
    assert said in refusal(ASKED, HERE, Place(terms))


def test_data_leave_only_for_where_the_application_says() -> None:
    rule = DataRule("ES", ("PT",))
    assert refusal(ASKED, rule, Place(Terms(jurisdiction="PT"))) == ""
    assert "may not leave ES and PT" in refusal(ASKED, rule, Place(Terms(jurisdiction="FR")))
    alone = Terms(jurisdiction="PT", data=DataPolicy.SAME_JURISDICTION)
    assert "of its own jurisdiction (PT) alone, not of ES" in refusal(ASKED, rule, Place(alone))
    unknown = refusal(ASKED, DataRule(), Place(alone))
    assert "not of an unknown one" in unknown


@given(COUNTRY, st.lists(COUNTRY.filter(bool)), COUNTRY, st.sampled_from(DataPolicy))
def test_no_site_elsewhere_gets_data_that_may_not_leave(
    home: str, may_leave: list[str], there: str, data: DataPolicy
) -> None:
    allowed = not refusal(ASKED, DataRule(home, tuple(may_leave)), Place(Terms(jurisdiction=there, data=data)))
    if allowed:
        assert data is not DataPolicy.NONE
        assert not home or there == home or there in may_leave
        assert data is DataPolicy.ANY or (home and there == home)


def test_what_stands_on_a_site_counts() -> None:
    place = Place(Terms(Capacity(cores=12)), standing=Standing(cores=8))
    assert refusal(ASKED, DataRule(), place) == "has 4 of its 12 cores left, and 8 are asked for"


def test_a_quota_of_workers_counts_the_projects_own() -> None:
    limits = Limits(Quota(workers=4))
    assert refusal(QUEUED, DataRule(), Place(Terms(), limits)) == ""
    said = refusal(QUEUED, DataRule(), Place(Terms(), limits, Standing(workers=1)))
    assert said == "gives this project 4 workers by its quota, and it would have 5"


def test_a_quota_of_core_hours_forbids_what_would_use_more_even_without_work() -> None:
    needed = 8 * 24 * 30
    enough, short = Limits(Quota(needed), needed), Limits(Quota(needed), needed - 1)
    assert refusal(ASKED, DataRule(), Place(Terms(), enough)) == ""
    assert "5,760 are needed" in refusal(ASKED, DataRule(), Place(Terms(), short))
    assert refusal(QUEUED, DataRule(), Place(Terms(), short)) == ""
    assert "no core hours left" in refusal(replace(QUEUED, workers=Workers(0, 4, 2, 4)), DataRule(), Place(
        Terms(), Limits(Quota(1), 0.0)
    ))  # fmt: skip


@dataclass(frozen=True)
class Offer:
    site: str
    fit: Fit
    price: tuple[bool, float]
    not_given: tuple[str, ...] = ()


def test_what_gives_all_comes_before_what_gives_less_and_then_what_costs_less() -> None:
    offers = [
        Offer("refused", Fit.REFUSED, (False, 0)),
        Offer("less", Fit.LESS, (False, 1), ("a", "b")),
        Offer("nearly", Fit.LESS, (False, 9), ("a",)),
        Offer("dollars", Fit.WHOLE, (True, 1)),
        Offer("dear", Fit.WHOLE, (False, 8)),
        Offer("home", Fit.WHOLE, (False, 5)),
        Offer("cheap", Fit.WHOLE, (False, 5)),
    ]
    ranked = [one.site for one in sorted(offers, key=lambda one: order(one, "home"))]
    assert ranked == ["home", "cheap", "dear", "dollars", "nearly", "less", "refused"]


def blueprint(environment: Environment, *recipes: tuple[str, str]) -> Blueprint:
    software = tuple(SoftwareNode(name, "voxpop.nodes.Tool", version, (), ()) for name, version in recipes)
    return Blueprint("words", environment, "a" * 64, software)


def test_a_change_is_told_by_what_it_means() -> None:
    old = blueprint(QUEUED, ("octave", "1.0.0"), ("caffe-models", "1.0.0"))
    wider = replace(QUEUED, memory_gb=32, days=60, workers=Workers(1, 8, 2, 4))
    new = blueprint(wider, ("octave", "1.1.0"), ("pytorch", "1.0.0"))
    assert changes(old, new, ("words-v1", "words-v2")) == (
        "memory 16 -> 32 GB",
        "days 30 -> 60",
        "workers 4 -> 8",
        "recipe pytorch added",
        "recipe caffe-models removed",
        "recipe octave 1.0.0 -> 1.1.0",
        "volume words-v1 -> words-v2",
    )
    assert changes(old, old, ("words-v1", "words-v1")) == ()


def test_a_queue_instead_of_one_machine_is_a_change() -> None:
    old, new = blueprint(ASKED), blueprint(QUEUED)
    assert changes(old, new, ("v", "v")) == ("a queue with workers 1 to 4 instead of one machine",)
    assert changes(new, old, ("v", "v")) == ("one machine instead of a queue with workers 1 to 4",)


def test_machines_are_told_as_an_operator_counts_them() -> None:
    assert machines(ASKED) == ("1 machine with 8 cores, 16 GB of memory, 1 GPU",)
    assert machines(QUEUED) == (
        "1 front end with the queue",
        "1 to 4 workers with 2 cores, 4 GB of memory each",
    )
