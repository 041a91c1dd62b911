"""Which account a proven identity is, and what it may do: mapping, names, states that come twice."""

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oidc.memory import MemoryPeople, MemorySessions

from voxpop.access.credentials import Safe
from voxpop.access.entrance import Knock
from voxpop.access.errors import (
    AccountKeptOut,
    IdentityRefused,
    NoMember,
    ProviderAbsent,
    SignInDeclined,
    SignInStale,
    TooManyTries,
)
from voxpop.access.federation import Door, Federation, Register, Rules, fits, granted
from voxpop.access.model import Account, Group, Role, Session
from voxpop.access.ports import Answer, Ending, Errand, Identity, Kept
from voxpop.access.service import AccessService
from voxpop.kernel.ledger import Event

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VO = "urn:mace:egi.eu:group:popimg.example.org"
READER, KEEPER = f"{VO}:role=member#aai.egi.eu", f"{VO}:keepers:role=member#aai.egi.eu"
RULES = Rules("egi", "EGI", {READER: Role.RESEARCHER, f"{VO}:keepers:*": Role.DATA_MANAGER}, {READER: "imaging"})
KNOCK = Knock("192.0.2.1")
BACK = "https://bank.example.org/sign-in/with/egi/return"
ADA = Identity("https://aai.egi.eu", "s-ada", "ada@egi.eu", "Ada Ferrer", "ada@example.org", frozenset({READER}))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


class Provider:
    """A provider that proves what it is told to."""

    def __init__(self, issuer: str = ADA.issuer) -> None:
        self.issuer = issuer
        self.identity = replace(ADA, issuer=issuer, id_token="the token")
        self.errands: list[Errand] = []

    def begin(self, errand: Errand, redirect_uri: str) -> str:
        self.errands.append(errand)
        return f"{self.issuer}/authorize?state={errand.state}"

    def finish(self, answer: Answer, errand: Errand, redirect_uri: str) -> Identity:
        if answer.code != "good":
            raise IdentityRefused("EGI", "it does not know the code")
        return self.identity

    def leave(self, id_token: str, back: str, state: str) -> str:
        return f"{self.issuer}/leave?hint={id_token}"

    def ending(self, logout_token: str) -> Ending:
        return Ending(self.issuer, logout_token, "one")


class Hall:
    """A federation with everything around it in memory."""

    def __init__(self, folder: Path, *doors: Door) -> None:
        self.clock, self.provider = Clock(), Provider()
        self.people, self.sessions = MemoryPeople(), MemorySessions()
        self.events: list[Event] = []
        self.granted: set[str] = set()
        safe = Safe(folder)
        self.access = AccessService(self.people, safe, self.clock)
        register = Register(self.people, self.sessions, self.access, self.granted.__contains__)
        here = doors or (Door(self.provider, RULES),)
        self.federation = Federation(here, register, safe, self, self.clock)

    def record(self, event: Event) -> None:
        self.events.append(event)

    def move(self, *_: object) -> None:
        raise AssertionError

    def begin(self) -> tuple[str, str]:
        """Return the state and what the browser keeps."""
        _, kept = self.federation.begin("egi", "/runs", BACK, KNOCK)
        return self.provider.errands[-1].state, kept

    def finish(self, state: str, kept: str, code: str = "good") -> Account:
        arrival = self.federation.finish("egi", Answer(state, code), kept, BACK, KNOCK)
        assert (arrival.back, arrival.id_token) == ("/runs", "the token")
        return arrival.account


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    return Hall(tmp_path)


def test_a_first_sign_in_makes_an_account_with_the_roles_that_are_given(hall: Hall) -> None:
    made = hall.federation.admit("egi", ADA)
    assert (made.name, made.person, made.email) == ("ada", "Ada Ferrer", "ada@example.org")
    assert made.roles == {Role.RESEARCHER}
    assert not made.local
    assert hall.people.kept(made.name) == Kept()
    assert [group.members for group in hall.people.groups()] == [("ada",)]


def test_nobody_has_a_role_by_default(hall: Hall) -> None:
    made = hall.federation.admit("egi", replace(ADA, entitlements=frozenset({"urn:other", VO})))
    assert made.roles == frozenset()
    assert hall.people.groups() == []


def test_a_role_that_was_taken_away_there_is_gone_here(hall: Hall) -> None:
    hall.access.add(Account("olga", "Olga"), "correct horse battery staple", "tester")
    hall.federation.admit("egi", replace(ADA, entitlements=frozenset({READER, KEEPER})))
    hall.people.keep_group(Group("imaging", "Imaging", ("olga", "ada")), "tester")
    later = hall.federation.admit("egi", replace(ADA, entitlements=frozenset({KEEPER})))
    assert later.roles == {Role.DATA_MANAGER}
    assert hall.people.groups() == [Group("imaging", "Imaging", ("olga",))]
    assert hall.federation.admit("egi", replace(ADA, entitlements=frozenset())).roles == frozenset()


def test_a_role_that_was_given_here_by_hand_counts_until_the_next_sign_in(hall: Hall) -> None:
    made = hall.federation.admit("egi", ADA)
    hall.access.set_roles(made.name, [Role.AUDITOR], "tester")
    assert hall.federation.admit("egi", ADA).roles == {Role.RESEARCHER}


def test_groups_that_no_rule_names_are_left_alone(hall: Hall) -> None:
    hall.federation.admit("egi", ADA)
    hall.people.keep_group(Group("other", "Other", ("ada",)), "tester")
    hall.federation.admit("egi", replace(ADA, entitlements=frozenset()))
    assert Group("other", "Other", ("ada",)) in hall.people.groups()


def test_the_same_sign_in_again_changes_nothing(hall: Hall) -> None:
    first = hall.federation.admit("egi", ADA)
    changes = list(hall.people.changes)
    assert hall.federation.admit("egi", ADA) == first
    assert hall.people.changes == changes


def test_an_account_is_found_by_issuer_and_subject_alone(hall: Hall) -> None:
    local = Account("ada", "Ada Ferrer", "ada@example.org", frozenset({Role.AUDITOR}))
    hall.access.add(local, "correct horse battery staple", "tester")
    made = hall.federation.admit("egi", ADA)
    assert (made.name, made.person, made.roles) == ("ada-2", "Ada Ferrer (EGI 1)", {Role.RESEARCHER})
    other = hall.federation.admit("egi", replace(ADA, subject="s-other"))
    assert (other.name, other.person) == ("ada-3", "Ada Ferrer (EGI 2)")
    assert hall.people.get("ada") == local
    assert hall.federation.admit("egi", ADA).name == "ada-2"


@pytest.mark.parametrize("wished", ["ADA  ferrer", "\uff21da Ferrer", "Ada\u00a0Ferrer", " Ada\tFerrer\n"])
def test_a_person_is_not_taken_over_by_another_spelling(hall: Hall, wished: str) -> None:
    hall.access.add(Account("local", "Ada Ferrer"), "correct horse battery staple", "tester")
    assert hall.federation.admit("egi", replace(ADA, person=wished)).person.endswith("(EGI 1)")


def test_a_person_who_has_rights_and_no_account_is_not_taken_over(hall: Hall) -> None:
    hall.granted.add("Ada Ferrer")
    assert hall.federation.admit("egi", ADA).person == "Ada Ferrer (EGI 1)"
    assert hall.federation.admit("egi", replace(ADA, subject="s-2", person="voxpop")).person == "voxpop (EGI 1)"


def test_a_new_name_there_does_not_rename_anyone_here(hall: Hall) -> None:
    hall.federation.admit("egi", ADA)
    later = hall.federation.admit("egi", replace(ADA, person="Grace Hopper", username="root", email="new@example.org"))
    assert (later.name, later.person, later.email) == ("ada", "Ada Ferrer", "new@example.org")


def test_a_disabled_account_stays_out_and_gains_nothing(hall: Hall) -> None:
    hall.federation.admit("egi", ADA)
    hall.access.enable("ada", "tester", enabled=False)
    with pytest.raises(AccountKeptOut):
        hall.federation.admit("egi", replace(ADA, entitlements=frozenset({KEEPER})))
    kept = hall.people.get("ada")
    assert kept is not None
    assert (kept.enabled, kept.roles) == (False, {Role.RESEARCHER})


def test_only_members_come_in_where_the_rules_say_so(tmp_path: Path) -> None:
    hall = Hall(tmp_path, Door(Provider(), replace(RULES, members=(f"{VO}:*",))))
    assert hall.federation.admit("egi", ADA).name == "ada"
    with pytest.raises(NoMember):
        hall.federation.admit("egi", replace(ADA, subject="s-2", entitlements=frozenset({"urn:other"})))
    assert [account.name for account in hall.people.every()] == ["ada"]


def test_a_subject_too_long_to_be_kept_is_refused(hall: Hall) -> None:
    with pytest.raises(IdentityRefused):
        hall.federation.admit("egi", replace(ADA, subject="s" * 201))


WORDS = st.text(max_size=300) | st.text(string.printable, max_size=80)


@given(username=WORDS, person=WORDS, email=WORDS)
def test_every_identity_becomes_a_valid_account(
    tmp_path_factory: pytest.TempPathFactory, username: str, person: str, email: str
) -> None:
    hall = Hall(tmp_path_factory.getbasetemp())
    one = replace(ADA, username=username, person=person, email=email)
    first = hall.federation.admit("egi", one)
    second = hall.federation.admit("egi", replace(one, subject="s-2"))
    assert first.name != second.name
    assert first.person.casefold() != second.person.casefold()
    assert len(first.name) <= 63
    assert len(second.name) <= 63


def test_a_pattern_fits_exactly_or_by_its_start() -> None:
    assert fits(f"{VO}:*", {READER})
    assert not fits(VO, {READER})
    assert not fits(READER, {READER.upper()})
    assert granted({READER: 1, KEEPER: 2}, {KEEPER}) == {2}


def test_a_sign_in_comes_back_once(hall: Hall) -> None:
    state, kept = hall.begin()
    assert hall.finish(state, kept).name == "ada"
    with pytest.raises(SignInStale):
        hall.finish(state, kept)
    assert [(event.action, dict(event.facts)) for event in hall.events] == [
        ("session.refused", {"code": "sign-in-stale"})
    ]


def test_a_state_that_failed_once_is_used_too(hall: Hall) -> None:
    state, kept = hall.begin()
    with pytest.raises(IdentityRefused):
        hall.finish(state, kept, "bad")
    with pytest.raises(SignInStale):
        hall.finish(state, kept)


@pytest.mark.parametrize("kept", ["", "x", "gAAAAAB" + "x" * 80, "é"])
def test_a_browser_that_began_nothing_is_refused_without_a_trace(hall: Hall, kept: str) -> None:
    state, _ = hall.begin()
    with pytest.raises(SignInStale):
        hall.finish(state, kept)
    assert hall.events == []


def test_another_state_another_provider_and_another_secret_are_refused(hall: Hall, tmp_path: Path) -> None:
    state, kept = hall.begin()
    other, _ = hall.begin()
    with pytest.raises(SignInStale):
        hall.finish(other, kept)
    two = Hall(tmp_path, Door(Provider(), RULES), Door(Provider("https://two.example.org"), replace(RULES, name="two")))
    with pytest.raises(SignInStale):
        two.federation.finish("two", Answer(state, "good"), kept, BACK, KNOCK)
    with pytest.raises(SignInStale):
        hall.finish(state, Safe(tmp_path).close("JBSWY3DPEHPK3PXP"))


def test_a_sign_in_that_took_too_long_is_refused(hall: Hall) -> None:
    state, kept = hall.begin()
    hall.clock.time += timedelta(minutes=10)
    with pytest.raises(SignInStale):
        hall.finish(state, kept)


def test_a_refusal_is_recorded_without_claims(hall: Hall) -> None:
    state, kept = hall.begin()
    with pytest.raises(SignInDeclined):
        hall.federation.finish("egi", Answer(state, error="access_denied"), kept, BACK, KNOCK)
    hall.federation.admit("egi", ADA)
    hall.access.enable("ada", "tester", enabled=False)
    with pytest.raises(AccountKeptOut):
        hall.finish(*hall.begin())
    found = [(event.subject, event.actor, dict(event.facts)) for event in hall.events]
    assert found == [
        ("provider:egi", "unknown", {"code": "sign-in-declined"}),
        ("provider:egi", "unknown", {"code": "account-kept-out"}),
    ]


def test_an_address_that_fails_without_end_has_to_wait(hall: Hall) -> None:
    for _ in range(50):
        state, kept = hall.begin()
        with pytest.raises(IdentityRefused):
            hall.finish(state, kept, "bad")
    with pytest.raises(TooManyTries):
        hall.begin()
    assert len(hall.events) == 50
    hall.federation.begin("egi", "/", BACK, Knock("192.0.2.2"))
    hall.clock.time += timedelta(minutes=16)
    hall.begin()


def test_a_provider_that_is_not_there_is_named(hall: Hall) -> None:
    with pytest.raises(ProviderAbsent):
        hall.federation.begin("nobody", "/", BACK, KNOCK)


def test_what_the_browser_keeps_is_closed(hall: Hall) -> None:
    _, kept = hall.begin()
    errand = hall.provider.errands[-1]
    assert not any(secret in kept for secret in (errand.state, errand.nonce, errand.verifier))
    assert not any(secret in repr(errand) for secret in (errand.nonce, errand.verifier))


def test_the_word_of_a_provider_ends_all_sessions_once(hall: Hall) -> None:
    account = hall.federation.admit("egi", ADA)
    hall.sessions.add(Session("d", account.name, "c", NOW, NOW, NOW + timedelta(hours=1)))
    hall.federation.ended("egi", "s-ada")
    assert hall.sessions.get("d") is None
    with pytest.raises(SignInStale):
        hall.federation.ended("egi", "s-ada")


def test_a_local_account_leaves_nowhere(hall: Hall) -> None:
    session = Session("d", "x", "c", NOW, NOW, NOW, "")
    assert hall.federation.leave(Account("x", "X"), session, BACK, "s") == ""
    account = hall.federation.admit("egi", ADA)
    assert hall.federation.leave(account, session, BACK, "s") == ""
    assert hall.federation.leave(account, replace(session, id_token="t"), BACK, "s").endswith("hint=t")
