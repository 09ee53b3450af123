"""Containers of the same kind with other contents.

A batch keeps the kinds of container that its samples have, and neither collating nor pinning may
change a container that belongs to the user; so both make a new one like the given one.
"""

from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from copy import copy
from typing import Any


def mapping_like(model: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """Return a mapping of `model`'s type that holds `values`, or the dict where there is none.

    A mutable one is copied and its values are replaced, so that further attributes are kept; any
    other is built by its constructor.
    """
    if type(model) is dict:
        return values
    kind: Any = type(model)
    try:
        if not isinstance(model, MutableMapping):
            return kind(values)
        clone = copy(model)
        for key, value in values.items():
            clone[key] = value
    except TypeError:
        return values
    return clone


def sequence_like(model: Sequence[Any], values: list[Any]) -> Any:
    """Return a sequence of `model`'s type that holds `values`, or the list where there is none.

    A named tuple keeps its type, and so does any sequence that can hold these very objects; a
    `range`, a `bytearray` and the like, which hold numbers only, become a list.
    """
    if type(model) is list:
        return values
    if is_namedtuple(type(model)):
        return type(model)(*values)
    try:
        clone = _refilled(model, values)
    except TypeError:
        return values
    # A bytearray takes a tensor of one element, but it keeps a number in its place.
    return (
        clone if all(kept is value for kept, value in zip(clone, values, strict=True)) else values
    )


def is_namedtuple(kind: type) -> bool:
    """Tell whether `kind` is a tuple with named fields."""
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _refilled(model: Sequence[Any], values: list[Any]) -> Sequence[Any]:
    if not isinstance(model, MutableSequence):
        kind: Any = type(model)
        rebuilt: Sequence[Any] = kind(values)
        return rebuilt
    clone = copy(model)
    for place, value in enumerate(values):
        clone[place] = value
    return clone
