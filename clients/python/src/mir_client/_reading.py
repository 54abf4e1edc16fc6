"""Makes dataclasses of an answer's JSON: camelCase becomes snake_case, unknown fields are left out."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from typing import Any, Dict, Mapping, Tuple, Type, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import MalformedAnswer

Model = TypeVar("Model")


def read(kind: Type[Model], data: object, place: str = "the answer") -> Model:
    """A model of the given kind. Absent and null fields get the model's default."""
    if not isinstance(data, Mapping):
        raise MalformedAnswer(f"{place} is not an object")
    values = {}
    for name, wire_name, hint in _fields(kind):
        value = data.get(wire_name)
        if value is not None:
            values[name] = _value(hint, value, f"{place}.{wire_name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise MalformedAnswer(f"{place} lacks something: {error}") from None


_known: Dict[Any, Tuple[Tuple[str, str, Any], ...]] = {}


def _fields(kind: Any) -> Tuple[Tuple[str, str, Any], ...]:
    if kind not in _known:
        hints = get_type_hints(kind)
        _known[kind] = tuple((one.name, _camel(one.name), hints[one.name]) for one in dataclasses.fields(kind))
    return _known[kind]


def _camel(name: str) -> str:
    # "from" is a word of Python's own.
    first, *others = name.rstrip("_").split("_")
    return first + "".join(other.capitalize() for other in others)


def _value(hint: Any, value: Any, place: str) -> Any:
    origin = get_origin(hint)
    if origin is Union:
        (inner,) = (one for one in get_args(hint) if one is not type(None))
        return _value(inner, value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise MalformedAnswer(f"{place} is not a list")
        inner = get_args(hint)[0]
        return tuple(_value(inner, one, f"{place}[{at}]") for at, one in enumerate(value))
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return read(hint, value, place)  # type: ignore[arg-type]  # a class it is, not an instance
    if hint is datetime:
        return _time(value, place)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise MalformedAnswer(f"{place} is no {hint.__name__}: {value!r}"[:200])
    return value


def _time(value: object, place: str) -> datetime:
    # Python before 3.11 reads neither Z nor fractions of other lengths than three and six.
    match = re.fullmatch(r"(.{10})[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", str(value))
    if match is None:
        raise MalformedAnswer(f"{place} is no time: {value!r}"[:200])
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone == "Z" else zone
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{offset}")
    except ValueError:
        raise MalformedAnswer(f"{place} is no time: {value!r}"[:200]) from None
