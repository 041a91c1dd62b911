"""A JSON-LD graph that is written the same way every time."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
DESCRIPTOR = "ro-crate-metadata.json"
ROOT = "./"


def ref(entity: str) -> dict[str, str]:
    """Point at an entity."""
    return {"@id": entity}


def refs(entities: Iterable[str]) -> list[dict[str, str]]:
    """Point at several entities, each once, in order of their ids."""
    return [ref(entity) for entity in sorted(set(entities))]


def moment(when: datetime) -> str:
    """Write a moment as the profiles want it: ISO 8601 in UTC, to the millisecond."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")


class Graph:
    """Entities by id."""

    def __init__(self) -> None:
        self._entities: dict[str, dict[str, Any]] = {}

    def add(self, entity: str, kind: str | list[str], **properties: Any) -> str:
        """Add an entity, or what more is known of it; empty properties are left out. Returns its id."""
        known = self._entities.setdefault(entity, {"@id": entity, "@type": kind})
        known.update({name: value for name, value in properties.items() if value not in (None, "", [], ())})
        return entity

    def link(self, entity: str, name: str, target: str) -> None:
        """Add one more value to a property that points at entities."""
        values = self._entities[entity].setdefault(name, [])
        if ref(target) not in values:
            values.append(ref(target))

    def __contains__(self, entity: str) -> bool:
        return entity in self._entities

    def text(self) -> str:
        """Write the graph: the descriptor, the root, then all else by id; lists of links by id."""
        entities = {entity: _compact(properties) for entity, properties in self._entities.items()}
        first = [entities[entity] for entity in (DESCRIPTOR, ROOT)]
        rest = [entities[entity] for entity in sorted(entities) if entity not in (DESCRIPTOR, ROOT)]
        document = {"@context": CONTEXT, "@graph": [*first, *rest]}
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _compact(properties: dict[str, Any]) -> dict[str, Any]:
    # RO-Crate 1.1, appendix on JSON-LD: a single value is no array
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in properties.items()
    }
