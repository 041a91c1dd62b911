"""Two runs held against each other, and records as JSON."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpop.kernel.ids import RunId, VolumeId
from voxpop.run.compare import compare
from voxpop.run.errors import RecordInvalid
from voxpop.run.model import FileFact, RunRecord, StepRecord
from voxpop.run.records import dumps, from_json, loads, to_json

NAMES = st.text("abcdefgh_-", min_size=1, max_size=6)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
MOMENTS = st.datetimes(timezones=st.just(UTC))
FILES = st.builds(
    FileFact, path=NAMES, sha256=DIGESTS, bytes=st.integers(0, 2**40), root=st.sampled_from(["volume", "results"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
FILE_PORTS = st.lists(FILES, min_size=1, max_size=3).map(tuple)
PORTS = st.dictionaries(NAMES, FILE_PORTS | VALUES, max_size=3)
STEPS = st.builds(
    StepRecord,
    step=NAMES,
    position=st.integers(0, 30),
    tool=NAMES,
    tool_sha256=DIGESTS,
    started_at=MOMENTS,
    ended_at=MOMENTS,
    exit_code=st.integers(0, 255),
    inputs=PORTS,
    outputs=PORTS,
)
RECORDS = st.builds(
    RunRecord,
    run=NAMES.map(RunId),
    pipeline=NAMES,
    pipeline_digest=DIGESTS,
    volume=NAMES.map(VolumeId),
    volume_digest=DIGESTS,
    started_at=MOMENTS,
    ended_at=MOMENTS,
    sandbox=NAMES,
    environment=st.dictionaries(NAMES, NAMES, max_size=3),
    inputs=PORTS,
    steps=st.lists(STEPS, max_size=5, unique_by=lambda step: (step.step, step.position)).map(tuple),
    outputs=st.dictionaries(NAMES, FILE_PORTS, max_size=3),
    parameters=st.dictionaries(NAMES, VALUES, max_size=3),
)


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: RunRecord) -> None:
    assert loads(dumps(record)) == record
    assert from_json(to_json(record)) == record


@given(RECORDS, MOMENTS, NAMES)
def test_a_run_equals_itself_at_any_time_in_any_environment(record: RunRecord, moment: datetime, name: str) -> None:
    steps = tuple(replace(step, started_at=moment, ended_at=moment) for step in record.steps)
    again = replace(
        record, run=RunId(f"{record.run}-again"), started_at=moment, environment={"python": name}, steps=steps
    )
    comparison = compare(record, again)
    assert comparison.identical
    assert comparison.first_difference is None
    assert comparison.steps == len(record.steps)


@given(RECORDS.filter(lambda record: any(_file_ports(step) for step in record.steps)), st.data())
def test_the_first_changed_file_in_workflow_order_is_named(record: RunRecord, data: st.DataObject) -> None:
    able = [place for place, step in enumerate(record.steps) if _file_ports(step)]
    place = data.draw(st.sampled_from(able))
    steps = [_changed(step) if number >= place else step for number, step in enumerate(record.steps)]
    comparison = compare(record, replace(record, steps=tuple(steps)))
    step = record.steps[place]
    port = _file_ports(step)[0]
    difference = comparison.first_difference
    assert not comparison.identical
    assert difference is not None
    assert (difference.step, difference.position, difference.port) == (step.step, step.position, port)
    files = step.outputs[port]
    assert isinstance(files, tuple)
    assert difference.path == files[0].path


@given(RECORDS.filter(lambda record: len(record.steps) > 0), st.data())
def test_an_execution_that_only_one_run_has_is_named(record: RunRecord, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(record.steps) - 1))
    fewer = replace(record, steps=record.steps[:place] + record.steps[place + 1 :])
    for comparison in (compare(record, fewer), compare(fewer, record)):
        difference = comparison.first_difference
        assert difference is not None
        assert (difference.step, difference.position) == (record.steps[place].step, record.steps[place].position)
        assert (difference.port, difference.path) == ("", "")


@given(RECORDS)
def test_comparing_works_the_same_both_ways(record: RunRecord) -> None:
    changed = replace(record, steps=tuple(_changed(step) for step in record.steps))
    assert compare(record, changed).identical == compare(changed, record).identical


@pytest.mark.parametrize(("first", "second", "same"), [(1, 1.0, False), (1, True, False), ([1, 2], [1, 2], True)])
def test_values_are_the_same_only_as_json(first: object, second: object, same: bool) -> None:
    record = _record_with(first)
    assert compare(record, _record_with(second)).identical is same


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 0}', "null"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(RecordInvalid, match="record"):
        loads(text)


def _file_ports(step: StepRecord) -> list[str]:
    return sorted(name for name, port in step.outputs.items() if isinstance(port, tuple))


def _changed(step: StepRecord) -> StepRecord:
    outputs = {
        name: tuple(replace(file, sha256=file.sha256[::-1] + "x") for file in port) if isinstance(port, tuple) else port
        for name, port in step.outputs.items()
    }
    return replace(step, outputs=outputs)


def _record_with(value: object) -> RunRecord:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    step = StepRecord("a", 0, "a.cwl", "0" * 64, moment, moment, 0, {}, {"out": value})  # type: ignore[dict-item]
    return RunRecord(RunId("r1"), "p", "0" * 64, VolumeId("v"), "0" * 64, moment, moment, "none", {}, {}, (step,), {})
