"""Asking many at once, and waiting for none of them for long."""

import threading
import time
from collections.abc import Callable

from voxpop.kernel.errors import Unavailable
from voxpop.wiring.roll_call import RollCall

QUICK_S = 0.2


def test_one_that_never_answers_does_not_hold_up_the_others_and_is_asked_once() -> None:
    released, asked = threading.Event(), []

    def slow() -> int:
        asked.append(1)
        released.wait()
        return 2

    call: RollCall[int] = RollCall(patience_s=QUICK_S)
    try:
        before = time.monotonic()
        told = call.ask({"quick": lambda: 1, "slow": slow})
        assert time.monotonic() - before < 20 * QUICK_S
        assert told["quick"] == 1
        assert isinstance(told["slow"], Unavailable)
        assert isinstance(call.ask({"slow": slow})["slow"], Unavailable)
        assert asked == [1]
    finally:
        released.set()


def test_an_answer_is_kept_for_some_seconds() -> None:
    now, asked = [0.0], []

    def count() -> int:
        asked.append(1)
        return len(asked)

    call: RollCall[int] = RollCall(kept_s=10, steady=lambda: now[0])
    assert [call.ask({"one": count})["one"] for _ in range(2)] == [1, 1]
    now[0] = 10.0
    assert call.ask({"one": count}) == {"one": 2}


def failing(fault: Exception) -> Callable[[], int]:
    def fail() -> int:
        raise fault

    return fail


def test_a_refusal_and_a_fault_of_ours_are_answers_too() -> None:
    call: RollCall[int] = RollCall()
    told = call.ask({"down": failing(Unavailable("it is down")), "odd": failing(KeyError("x")), "well": lambda: 3})
    assert str(told["down"]) == "it is down"
    assert "can't be read (KeyError)" in str(told["odd"])
    assert told["well"] == 3
