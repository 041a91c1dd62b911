"""From what an application asks for to the machines that its queue hands jobs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.appliance.model import Workers
from voxpop.application.document import read_document, template
from voxpop.flow.environment import environment_of


def asked(cores: int, memory_gb: int, gpus: int, workers: str = "") -> str:
    text = (
        template().replace("  cores: 16", f"  cores: {cores}").replace("  memory_gb: 32", f"  memory_gb: {memory_gb}")
    )
    return text.replace("  gpus: 1", f"  gpus: {gpus}\n{workers and f'  workers: {workers}'}")


@pytest.mark.parametrize(
    ("text", "workers"),
    [
        (asked(4, 8, 0), Workers(0, 4, 1, 2, 0)),
        (asked(4, 6, 0), Workers(0, 2, 2, 3, 0)),
        (asked(16, 32, 1), Workers(0, 1, 16, 32, 1)),
        (asked(16, 32, 4), Workers(0, 4, 4, 8, 1)),
        (asked(16, 32, 0, "{max: 2}"), Workers(0, 2, 8, 16, 0)),
        (asked(16, 32, 2, "{min: 1, max: 2}"), Workers(1, 2, 8, 16, 1)),
    ],
)
def test_a_queues_workers_share_what_was_asked_for(text: str, workers: Workers) -> None:
    assert environment_of(read_document(text, "a.yaml"), queue=True).workers == workers


def test_without_a_queue_there_are_no_workers() -> None:
    application = read_document(asked(16, 32, 0, "{max: 2}"), "a.yaml")
    assert environment_of(application, queue=False).workers is None


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(0, 64))
def test_workers_that_nobody_spoke_of_share_all_of_it(cores: int, memory_gb: int, gpus: int) -> None:
    environment = environment_of(read_document(asked(cores, memory_gb, gpus), "a.yaml"), queue=True)
    workers = environment.workers
    assert workers is not None
    assert workers.most * workers.cores == cores
    assert workers.most * workers.memory_gb == memory_gb
    assert workers.most * workers.gpus == gpus
