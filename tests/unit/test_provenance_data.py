"""Names, kinds and texts of a crate's entities."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.provenance.data import media_type, named_by_digest, shown
from voxpop.provenance.graph import DESCRIPTOR, ROOT, Graph, moment, ref, refs


def test_content_is_named_as_the_standard_does() -> None:
    # RFC 6920, section 8.1
    digest = "53269057e12fe2b74ba07c892560a2d753877eb62ff44d5a19002530ed97ffe4"
    assert named_by_digest(digest) == "ni:///sha-256;UyaQV-Ev4rdLoHyJJWCi11OHfrYv9E1aGQAlMO2X_-Q"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("sub-a/ct/sub-a_ct.nii.gz", "application/gzip"),
        ("participants.tsv", "text/tab-separated-values"),
        ("outputs/figure.png", "image/png"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_a_files_kind_is_read_from_its_whole_ending(path: str, kind: str) -> None:
    assert media_type(path) == kind


@pytest.mark.parametrize(("value", "text"), [(3, 3), (True, True), ("a", "a"), ([1, 2], "[1,2]"), (None, "null")])
def test_values_are_shown_as_json_ld_can_hold_them(value: object, text: object) -> None:
    assert shown(value) == text  # type: ignore[arg-type]


def test_moments_are_in_utc_to_the_millisecond() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))
    assert moment(when) == "2026-01-02T01:04:05.678+00:00"


@given(st.permutations(["#a", "#b", "#c", ROOT, DESCRIPTOR]))
def test_a_graph_is_written_the_same_whatever_the_order_of_its_making(order: list[str]) -> None:
    graph = Graph()
    for entity in order:
        graph.add(entity, "Thing", name=entity, about=refs(reversed(order)))
    entities = json.loads(graph.text())["@graph"]
    assert [entity["@id"] for entity in entities] == [DESCRIPTOR, ROOT, "#a", "#b", "#c"]
    assert entities[2]["about"] == [ref(entity) for entity in sorted(order)]


def test_a_single_link_is_no_list_and_nothing_empty_is_written() -> None:
    graph = Graph()
    graph.add(DESCRIPTOR, "CreativeWork", about=refs([ROOT]), name="", version=None)
    graph.add(ROOT, "Dataset")
    descriptor, root = json.loads(graph.text())["@graph"]
    assert descriptor == {"@id": DESCRIPTOR, "@type": "CreativeWork", "about": {"@id": ROOT}}
    assert root == {"@id": ROOT, "@type": "Dataset"}
