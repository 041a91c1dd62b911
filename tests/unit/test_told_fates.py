"""No small count of studies that were not staged follows from what is told of them."""

from hypothesis import given
from hypothesis import strategies as st

from voxpop.cohort.suppression import SMALLEST_SHOWN
from voxpop.flow.fates import Why, told

OUT = st.dictionaries(
    st.tuples(st.sampled_from(["refused", "not selected"]), st.sampled_from("abcdef")), st.integers(1, 40)
)


@given(st.integers(0, 60), OUT)
def test_what_is_hidden_is_at_least_ten_together_wherever_its_sum_follows(staged: int, out: dict[Why, int]) -> None:
    seen = told({("staged", ""): staged, **out})
    assert seen.staged is None or seen.staged >= SMALLEST_SHOWN
    assert all(number >= SMALLEST_SHOWN and number == out[why] for why, number in seen.others.items())
    if seen.studies is None:
        assert sum(out.values()) < SMALLEST_SHOWN
        assert seen.others == {}
    else:
        assert seen.studies == staged + sum(out.values())
        assert sum(out.values()) - sum(seen.others.values()) >= SMALLEST_SHOWN


@given(st.integers(10, 60), st.integers(0, 9), st.integers(0, 9))
def test_none_and_few_look_the_same(staged: int, few: int, fewer: int) -> None:
    out = {("refused", "a"): few, ("refused", "b"): fewer} if few + fewer < SMALLEST_SHOWN else {}
    assert told({("staged", ""): staged, **out}) == told({("staged", ""): staged})


def test_what_was_staged_with_a_remark_is_counted_with_the_rest() -> None:
    assert told({("staged", ""): 20, ("staged", "a series is cut"): 3}).staged == 23
