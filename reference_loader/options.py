"""Every argument of the loader, checked once, in a stated order, before anything is loaded.

Each check is a function that takes the options and returns them, possibly completed; `CHECKS` is
their order, and the first that fails decides which error is raised. Up to the size of a batch it is
torch's order. Errors name the rule, the value and a remedy: TypeError for a wrong type, ValueError
for a wrong value or combination, and ValueError also for the types of `batch_size` and `drop_last`,
as in torch.
"""

import math
import multiprocessing
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import BaseContext
from typing import Any

import torch

from reference_loader.arguments import (
    Options,
    is_int,
    require_bool,
    require_workers,
    typed,
)
from reference_loader.exclusions import (
    batch_sampler_excludes_the_rest,
    no_batches_exclude_drop_last,
    on_conflict_is_known,
    sampler_excludes_shuffle,
    stream_excludes_orders,
)
from reference_loader.fetching import is_stream


def checked(given: Options) -> Options:
    """Return the options as they hold; raise the first error in the order of `CHECKS`."""
    for check in CHECKS:
        given = check(given)
    _warn_of_waiting_workers(given)
    return given


def changed(options: Options, name: str, value: Any) -> Options:
    """Return the options with another value for an argument in `CHANGEABLE`; raise its errors.

    Whether it means anything without workers is checked as ever, but nothing that means something
    with workers only keeps `num_workers` from being set to 0.
    """
    given = CHANGEABLE[name](replace(options, **{name: value}))
    if name == "num_workers":
        given = _prefetch_default(given)
        _warn_of_waiting_workers(given)
    return given


def usable_cores() -> int:
    """Return how many cores this process may use, which can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _warn_of_waiting_workers(given: Options) -> None:
    cores = usable_cores()
    if given.num_workers > cores:
        warnings.warn(
            f"num_workers should be at most the {cores} cores that this process may use, "
            f"got {given.num_workers}; more workers wait for each other",
            UserWarning,
            stacklevel=4,  # whoever builds or changes the loader
        )


def _num_workers(given: Options) -> Options:
    remedy = "use num_workers=0 to load in this process"
    if not is_int(given.num_workers):
        raise TypeError(f"num_workers must be an int, got {typed(given.num_workers)}; {remedy}")
    if given.num_workers < 0:
        raise ValueError(f"num_workers must be at least 0, got {given.num_workers}; {remedy}")
    return given


def _timeout(given: Options) -> Options:
    timeout, remedy = given.timeout, "use timeout=0 to wait without limit"
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise TypeError(f"timeout must be a number of seconds, got {typed(timeout)}; {remedy}")
    if not 0 <= timeout < math.inf:
        raise ValueError(f"timeout must be finite and at least 0, got {timeout}; {remedy}")
    if timeout > 0:
        require_workers(given, "timeout", "limits the wait for worker processes")
    return given


def _prefetch_factor(given: Options) -> Options:
    factor = given.prefetch_factor
    if factor is None:
        return _prefetch_default(given)
    require_workers(given, "prefetch_factor", "counts batches per worker process")
    remedy = "leave it out for 2 batches per worker"
    if not is_int(factor):
        raise TypeError(f"prefetch_factor must be an int, got {typed(factor)}; {remedy}")
    if factor < 1:
        raise ValueError(f"prefetch_factor must be at least 1, got {factor}; {remedy}")
    return given


def _prefetch_default(given: Options) -> Options:
    wanting = given.prefetch_factor is None and given.num_workers > 0
    return replace(given, prefetch_factor=2) if wanting else given


def _persistent_workers(given: Options) -> Options:
    require_bool("persistent_workers", given.persistent_workers)
    if given.persistent_workers:
        require_workers(given, "persistent_workers", "keeps worker processes alive")
    return given


def _multiprocessing_context(given: Options) -> Options:
    context = given.multiprocessing_context
    if context is None:
        return given
    require_workers(given, "multiprocessing_context", "says how worker processes start")
    methods = multiprocessing.get_all_start_methods()
    if isinstance(context, str):
        if context not in methods:
            raise ValueError(
                f"multiprocessing_context must be one of {', '.join(methods)} on this platform, "
                f"got {context!r}; leave it out for the default"
            )
        return replace(given, multiprocessing_context=multiprocessing.get_context(context))
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context must be a start method or a context object, "
            f"got {typed(context)}; use multiprocessing.get_context(...)"
        )
    return given


def _batch_size(given: Options) -> Options:
    size, remedy = given.batch_size, "use batch_size=None to switch batching off"
    if size is None:
        return given
    if not is_int(size):
        raise ValueError(f"batch_size must be an int or None, got {typed(size)}; {remedy}")
    if size < 1:
        raise ValueError(f"batch_size must be at least 1, got {size}; {remedy}")
    return given


def _drop_last(given: Options) -> Options:
    if type(given.drop_last) is not bool:
        raise ValueError(
            f"drop_last must be True or False, got {typed(given.drop_last)}; use a bool"
        )
    return given


def _shuffle(given: Options) -> Options:
    shuffle = False if given.shuffle is None else given.shuffle
    require_bool("shuffle", shuffle)
    return replace(given, shuffle=shuffle)


def _samplers(given: Options) -> Options:
    for name in ("sampler", "batch_sampler"):
        value = getattr(given, name)
        kind = type(value)
        # iter() would tell for sure, but a sampler may be started once per epoch only.
        if value is None or hasattr(kind, "__iter__") or hasattr(kind, "__getitem__"):
            continue
        raise TypeError(
            f"{name} must be iterable, got {typed(value)}; give an object with __iter__"
        )
    return given


def _dataset(given: Options) -> Options:
    kind = type(given.dataset)
    if is_stream(given.dataset):
        return given
    if not hasattr(kind, "__getitem__"):
        raise TypeError(
            f"dataset must offer __getitem__ or be an IterableDataset, got {kind.__name__}; "
            "wrap what can only be iterated in an IterableDataset"
        )
    has_keys = given.sampler is not None or given.batch_sampler is not None
    if not has_keys and not hasattr(kind, "__len__"):
        raise TypeError(
            "dataset must offer __len__ where no sampler or batch_sampler gives the keys, "
            f"got {kind.__name__}; define __len__ or give a sampler"
        )
    return given


def _functions(given: Options) -> Options:
    for name in ("collate_fn", "worker_init_fn"):
        value = getattr(given, name)
        if value is not None and not callable(value):
            raise TypeError(
                f"{name} must be callable, got {typed(value)}; leave it out for the default"
            )
    return given


def _generator(given: Options) -> Options:
    if given.generator is not None and not isinstance(given.generator, torch.Generator):
        raise TypeError(
            f"generator must be a torch.Generator, got {typed(given.generator)}; "
            "use torch.Generator().manual_seed(seed)"
        )
    return given


def _flags(given: Options) -> Options:
    require_bool("pin_memory", given.pin_memory)
    require_bool("in_order", given.in_order)
    if not isinstance(given.pin_memory_device, str):
        raise TypeError(
            f"pin_memory_device must be a str, got {typed(given.pin_memory_device)}; leave it out"
        )
    return given


CHECKS: tuple[Callable[[Options], Options], ...] = (
    on_conflict_is_known,
    _num_workers,
    _timeout,
    _prefetch_factor,
    _persistent_workers,
    _multiprocessing_context,
    stream_excludes_orders,
    sampler_excludes_shuffle,
    batch_sampler_excludes_the_rest,
    no_batches_exclude_drop_last,
    _batch_size,
    _drop_last,
    _shuffle,
    _samplers,
    _dataset,
    _functions,
    _generator,
    _flags,
)

# What may be set after construction, as in torch, and the check that it has to pass.
CHANGEABLE: dict[str, Callable[[Options], Options]] = {
    "num_workers": _num_workers,
    "collate_fn": _functions,
    "pin_memory": _flags,
    "timeout": _timeout,
    "worker_init_fn": _functions,
    "multiprocessing_context": _multiprocessing_context,
    "generator": _generator,
    "prefetch_factor": _prefetch_factor,
    "pin_memory_device": _flags,
    "in_order": _flags,
}
