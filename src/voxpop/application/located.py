"""YAML read as plain values that still know their line and column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from voxpop.application.errors import ApplicationInvalid, Fault
from voxpop.kernel.digests import Json

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 12
_MAX_DIGITS = 30

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML document's plain value.

    Parameters
    ----------
    values, keys : mapping of path to (line, column)
        Where the value, or the key before it, begins; both from 1.
    """

    value: Json
    values: Mapping[Path, tuple[int, int]]
    keys: Mapping[Path, tuple[int, int]]

    def fault(self, path: Path, sentence: str) -> Fault:
        """Place a sentence at a value, or at the nearest value around it."""
        while path not in self.values:
            path = path[:-1]
        line, column = self.values[path]
        return Fault(line, column, sentence)

    def key_fault(self, path: Path, sentence: str) -> Fault:
        """Place a sentence at a key."""
        if path not in self.keys:
            return self.fault(path, sentence)
        line, column = self.keys[path]
        return Fault(line, column, sentence)


def read_yaml(text: str, source: str) -> Located:
    """Read one YAML 1.2 document without anchors, aliases and tags; days stay the text that was written.

    Parameters
    ----------
    text : str
    source : str
        What the text is called in an error: a file's name.

    Raises
    ------
    ApplicationInvalid
        If it is no YAML, more than one document, too large, too deep, or holds a key twice.
    """
    if len(text) > MAX_CHARACTERS:
        size = f"{MAX_CHARACTERS // 1024} KiB"
        raise _invalid(source, f"the document has more than {size}: an application is a page or two")
    try:
        _check_events(text, source)
        node = _yaml().compose(text)
    except YAMLError as error:
        raise ApplicationInvalid(source, [_syntax_fault(error, text)]) from error
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        raise _invalid(source, "the document is empty: `voxpop application new` writes one to start from")
    walk = _Walk()
    value = walk.plain(node, ())
    if walk.faults:
        raise ApplicationInvalid(source, walk.faults)
    return Located(value, walk.values, walk.keys)


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)


def _check_events(text: str, source: str) -> None:
    depth = 0
    documents = 0
    for event in _yaml().parse(text):
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        sentence = _event_fault(event, depth, documents)
        if sentence:
            mark = event.start_mark
            raise ApplicationInvalid(source, [Fault(mark.line + 1, mark.column + 1, sentence)])


def _event_fault(event: Event, depth: int, documents: int) -> str:
    if documents > 1:
        return "a second document begins here: write one application a file"
    if depth > MAX_DEPTH:
        return "brackets or indents are nested too deep for an application"
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
        return "anchors and aliases (& and *) are not taken here: write the value out"
    if getattr(event, "tag", None) or getattr(event, "ctag", None):
        return "tags (!) are not taken here: write the plain value"
    return ""


def _syntax_fault(error: YAMLError, text: str) -> Fault:
    if isinstance(error, ReaderError):
        before = text[: error.position]
        column = error.position - (before.rfind("\n") + 1)
        return Fault(before.count("\n") + 1, column + 1, "a control character stands here: remove it")
    mark = (error.problem_mark or error.context_mark) if isinstance(error, MarkedYAMLError) else None
    problem = " ".join(str(getattr(error, "problem", None) or "it cannot be read").split())
    sentence = f"this is not YAML: {problem}; look at the indent, colons and quotes here and just above"
    return Fault(mark.line + 1, mark.column + 1, sentence) if mark else Fault(1, 1, sentence)


def _invalid(source: str, sentence: str) -> ApplicationInvalid:
    return ApplicationInvalid(source, [Fault(1, 1, sentence)])


class _Walk:
    """Turns YAML's nodes into plain values and notes where each stood."""

    def __init__(self) -> None:
        self.values: dict[Path, tuple[int, int]] = {}
        self.keys: dict[Path, tuple[int, int]] = {}
        self.faults: list[Fault] = []

    def plain(self, node: Node, path: Path) -> Json:
        self.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.plain(child, (*path, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return _scalar(node)

    def _mapping(self, node: MappingNode, path: Path) -> Json:
        mapping: dict[str, Json] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self._note(key, "a key is a single word here")
            elif key.value in mapping:
                self._note(key, f"the key '{key.value[:60]}' stands twice: keep one of them")
            else:
                self.keys[(*path, key.value)] = _place(key)
                mapping[key.value] = self.plain(child, (*path, key.value))
        return mapping

    def _note(self, node: Node, sentence: str) -> None:
        line, column = _place(node)
        self.faults.append(Fault(line, column, sentence))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _scalar(node: ScalarNode) -> Json:
    """Return a scalar's value; a number too long to be a number of anything stays text."""
    kind = str(node.tag).rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return bool(node.value.lower() == "true")
    if kind not in {"int", "float"} or len(node.value) > _MAX_DIGITS:
        return str(node.value)
    try:
        number = float(_NUMBERS.construct_yaml_float(node)) if kind == "float" else int(node.value, 0)
    except ValueError:
        return str(node.value)
    return int(number) if isinstance(number, int) or number.is_integer() else number


_NUMBERS = SafeConstructor(loader=_yaml())
