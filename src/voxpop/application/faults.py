"""What a JSON Schema says no to, as sentences with a line and a column."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from voxpop.application.errors import Fault
from voxpop.application.icd10 import icd10_fault
from voxpop.application.located import Located, Path
from voxpop.kernel.countries import COUNTRIES

_KINDS = {
    "object": "keys with values",
    "array": "a list, as in [a, b]",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}
_OF_KEYS = {"additionalProperties", "required"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def schema_faults(located: Located, schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield every fault that a schema finds in a document; of one value only the first, its type before all else."""
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    told: set[Path] = set()
    for error in sorted(validator.iter_errors(located.value), key=lambda error: error.validator != "type"):
        path: Path = tuple(error.absolute_path)
        if error.validator not in _OF_KEYS:
            if path in told:
                continue
            told.add(path)
        sentences = _SENTENCES.get(str(error.validator))
        if sentences is None:
            yield located.fault(path, f"{_named(path)} is not right: {error.message}")
        else:
            yield from sentences(located, path, error)


def _unknown_keys(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    allowed = list(error.schema["properties"])
    missing = [key for key in allowed if key not in error.instance]
    for key in error.instance:
        if key in allowed:
            continue
        near = get_close_matches(key.lower(), missing, 1) or get_close_matches(key.lower(), allowed, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"the keys here are {', '.join(allowed)}"
        yield located.key_fault((*path, key), f"there is no key {_shown(key)} here: {hint}")


def _missing_key(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    key = next(key for key in error.validator_value if repr(key) in error.message)
    about = str(_property(error, key).get("description", "")).split(". ")[0].rstrip(".")
    if get_close_matches(key, set(error.instance) - set(error.schema["properties"]), 1):
        return  # the unknown key's own sentence says it
    where = f"{_named(path)} has" if path else "the document has"
    hint = f" ({about[:1].lower()}{about[1:]})" if about else ""
    yield _around(located, path, f"{where} no key '{key}': add it{hint}")


def _property(error: ValidationError, key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = error.schema["properties"].get(key, {})
    return found


def _wrong_type(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    wanted = str(error.validator_value)
    if not path:
        yield located.fault(path, "an application is keys with values, as in `name: bone-density`")
        return
    hint = ""
    if error.schema.get("format") == "date":
        hint = ": write a day as 2019-01-31"
    elif wanted == "string" and isinstance(error.instance, int | float):
        hint = ": put it in quotes"
    elif wanted == "array" and isinstance(error.instance, str) and "$ref" not in error.schema["items"]:
        hint = f": write [{_bare(error.instance)}]"
    sentence = f"{_named(path)} must be {_KINDS[wanted]} and is {_told(error.instance)}{hint}"
    yield _around(located, path, sentence)


def _not_one_of(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    words = [str(word) for word in error.validator_value]
    near = [word for word in words if word.casefold() == str(error.instance).casefold()]
    near = near or get_close_matches(str(error.instance).lower(), words, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"write one of {', '.join(words)}"
    yield located.fault(path, f"{_named(path)} cannot be {_shown(error.instance)}: {hint}")


def _wrong_pattern(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    if error.validator_value == r"\S":
        yield located.fault(path, f"{_named(path)} is empty: fill it in")
        return
    form = _FORMS.get(error.validator_value, f"the form {error.validator_value}")
    yield located.fault(path, f"{_named(path)} cannot be {_shown(error.instance)}: write {form}")


_FORMS = {
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "lower-case words joined by hyphens, as in bone-density",
    "^[^@\\s]+@[^@\\s]+$": "an e-mail address, as in name@example.org",
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*/[0-9]+\\.[0-9]+\\.[0-9]+$": "name/version, as in bone-density/1.0.0",
    "^[A-Z][A-Z0-9]{1,15}$": "the DICOM modality in capitals, as in CT",
    "^[A-Z0-9][A-Z0-9 _]{0,15}$": "the DICOM body part in capitals, at most 16 of them, as in ABDOMEN",
    "^[A-Za-z0-9][A-Za-z0-9/_ -]*$": "letters, digits, spaces, hyphens, underscores and slashes, as in n/a",
}


def _out_of_bounds(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    bound = "at least" if error.validator == "minimum" else "at most"
    yield located.fault(path, f"{_named(path)} is {_bare(error.instance)} and must be {bound} {error.validator_value}")


def _wrong_length(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    limit = error.validator_value
    sentences = {
        "minLength": f"has fewer than {limit} characters: write a longer one",
        "maxLength": f"has more than {limit} characters: shorten it",
        "minItems": "is an empty list: give one entry at least, or leave the key out where it may be left out",
        "maxItems": f"has more than {limit} entries: shorten it",
        "minProperties": "is empty: fill it in, or leave the key out",
        "uniqueItems": "names something twice: keep it once",
    }
    yield _around(located, path, f"{_named(path)} {sentences[str(error.validator)]}")


def _wrong_format(located: Located, path: Path, error: ValidationError) -> Iterator[Fault]:
    if error.validator_value == "icd10":
        yield located.fault(path, f"{_shown(error.instance)} {icd10_fault(error.instance)}")
    elif error.validator_value == "country":
        sentence = f"{_named(path)} cannot be {_shown(error.instance)}: write a country's two letters, as in PT"
        yield located.fault(path, sentence)
    elif _DAY.fullmatch(error.instance):
        yield located.fault(path, f"{_named(path)} is {error.instance}, and the calendar has no such day")
    else:
        yield located.fault(path, f"{_named(path)} cannot be {_shown(error.instance)}: write a day as 2019-01-31")


_SENTENCES: Mapping[str, Callable[[Located, Path, ValidationError], Iterator[Fault]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _not_one_of,
    "pattern": _wrong_pattern,
    "format": _wrong_format,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "minLength": _wrong_length,
    "maxLength": _wrong_length,
    "minItems": _wrong_length,
    "maxItems": _wrong_length,
    "minProperties": _wrong_length,
    "uniqueItems": _wrong_length,
}


def _around(located: Located, path: Path, sentence: str) -> Fault:
    """Place a fault of a whole list or mapping at its key, or at its dash."""
    return located.key_fault(path, sentence)


def _named(path: Path) -> str:
    if not path:
        return "the document"
    name = ""
    for part in path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return f"`{name[1:]}`"


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def _bare(value: object) -> str:
    return _shown(value)[1:-1]


def _told(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "keys with values"
    return "a list" if isinstance(value, list) else _shown(value)


def _is_icd10(value: object) -> bool:
    return not isinstance(value, str) or not icd10_fault(value)


def _is_day(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return bool(_DAY.fullmatch(value))


def _is_country(value: object) -> bool:
    return not isinstance(value, str) or value in COUNTRIES


_FORMATS = FormatChecker(formats=())
_FORMATS.checks("country")(_is_country)
_FORMATS.checks("icd10")(_is_icd10)
_FORMATS.checks("date")(_is_day)
