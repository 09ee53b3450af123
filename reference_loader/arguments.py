"""The arguments of the loader as one value, and the words in which errors speak of them."""

import reprlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Options:
    """What the constructor of the loader was given, or, once checked, what holds."""

    dataset: Any
    batch_size: Any
    shuffle: Any
    sampler: Any
    batch_sampler: Any
    num_workers: Any
    collate_fn: Any
    pin_memory: Any
    drop_last: Any
    timeout: Any
    worker_init_fn: Any
    multiprocessing_context: Any
    generator: Any
    prefetch_factor: Any
    persistent_workers: Any
    pin_memory_device: Any
    in_order: Any
    on_conflict: Any


def is_int(value: Any) -> bool:
    """Tell whether `value` is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def require_workers(given: Options, name: str, rule: str) -> None:
    """Raise ValueError if there are no workers for which the argument could mean anything."""
    if given.num_workers == 0:
        raise ValueError(
            f"{name} {rule}, got {shown(getattr(given, name))} with num_workers=0; "
            "leave it out or use num_workers of at least 1"
        )


def require_bool(name: str, value: Any) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {typed(value)}; use a bool")


def shown(value: Any) -> str:
    """Return `value` as an error shows it: shortened, for a sampler may have a million indices."""
    return reprlib.repr(value)


def typed(value: Any) -> str:
    """Return `value` and its type as an error shows them."""
    return f"{shown(value)} ({type(value).__name__})"
