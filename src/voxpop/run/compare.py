"""Two runs of the same work, held against each other."""

from collections.abc import Iterator, Mapping

from voxpop.kernel.digests import Json, canonical_json
from voxpop.run.model import Comparison, Difference, FileFact, Port, RunRecord, StepRecord


def compare(original: RunRecord, repeat: RunRecord) -> Comparison:
    """Name the first step, in workflow order, whose output differs.

    Times, exit codes of both (they ended well), the environment, and where and with what an execution was done may
    differ; content may not.
    """
    first = next(_differences(original, repeat), None)
    return Comparison(
        original=original.run,
        repeat=repeat.run,
        identical=first is None,
        steps=len(original.steps),
        first_difference=first,
    )


def _differences(original: RunRecord, repeat: RunRecord) -> Iterator[Difference]:
    repeated = {(step.step, step.position): step for step in repeat.steps}
    for step in original.steps:
        other = repeated.pop((step.step, step.position), None)
        if other is None:
            yield Difference(step.step, step.position, "", "")
        else:
            yield from _of_step(step, other)
    for step_name, position in repeated:
        yield Difference(step_name, position, "", "")
    for port, path in _of_ports(original.outputs, repeat.outputs):
        yield Difference("", 0, port, path)


def _of_step(step: StepRecord, other: StepRecord) -> Iterator[Difference]:
    for port, path in _of_ports(step.outputs, other.outputs):
        yield Difference(step.step, step.position, port, path)


def _of_ports(ports: Mapping[str, Port], others: Mapping[str, Port]) -> Iterator[tuple[str, str]]:
    for name in sorted({*ports, *others}):
        if name not in ports or name not in others:
            yield name, ""
            continue
        port, other = ports[name], others[name]
        if isinstance(port, tuple) and isinstance(other, tuple):
            yield from ((name, path) for path in _of_files(port, other))
        elif isinstance(port, tuple) or isinstance(other, tuple) or not _same_value(port, other):
            yield name, ""


def _of_files(files: tuple[FileFact, ...], others: tuple[FileFact, ...]) -> Iterator[str]:
    for file, other in zip(files, others, strict=False):
        if (file.path, file.root) != (other.path, other.root) or file.sha256 != other.sha256:
            yield file.path
    longer = max(files, others, key=len)
    yield from (file.path for file in longer[min(len(files), len(others)) :])


def _same_value(value: Json, other: Json) -> bool:
    # JSON tells 1, 1.0 and true apart; Python's == does not
    return canonical_json(value) == canonical_json(other)
