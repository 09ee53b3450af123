"""The loader: from a dataset and a user's wishes to an iterator over batches.

An epoch is `DataLoader.__iter__`, and it reads from top to bottom: keys are drawn and grouped,
numbered, handed to an executor, which fetches and collates, and delivered in order. Each step is a
module of its own.
"""

import warnings
from collections.abc import Callable, Iterable
from itertools import repeat
from multiprocessing.context import BaseContext
from typing import Any, Generic, Literal, TypeVar

import torch
from torch.utils.data import IterableDataset

from reference_loader.arguments import Options
from reference_loader.batching import Batches, batches_in
from reference_loader.collation import default_collate, default_convert
from reference_loader.deliver import Delivery, deliver
from reference_loader.executor import Executor
from reference_loader.fetching import Keyed, fetcher, is_stream
from reference_loader.inline import Inline
from reference_loader.options import checked
from reference_loader.pinning import Pinned, can_pin
from reference_loader.plan import plan
from reference_loader.sampling import Sequential, Shuffled
from reference_loader.seeding import draw_seed

T_co = TypeVar("T_co", covariant=True)
PARAMETERS = tuple(Options.__dataclass_fields__)


class DataLoader(Generic[T_co]):
    """Batches of a dataset, as often as it is iterated; each iteration is an epoch.

    It takes the arguments of `torch.utils.data.DataLoader`, with the same names, order, defaults
    and meaning (D1, D2 §2), delivers the same batches in the same order, and draws the same numbers
    from `generator`, or from torch's default generator where none is given. So far it loads in
    this process only: `num_workers` has to be 0.

    `dataset` has `__getitem__` and `__len__`, or is an `IterableDataset`, whose own order then
    rules out `shuffle`, `sampler` and `batch_sampler`. `batch_size=None` delivers single samples.
    `collate_fn` takes the list of a batch's samples, or one sample without batching; the defaults
    are `default_collate` and `default_convert`.

    `on_conflict` is this loader's own. Exclusive arguments raise ValueError, as in torch; with
    "ignore" the one that decides more silences the others without a word, as D1 sampler and D1
    batch_sampler have it: batch_sampler before sampler before shuffle, batch_sampler also before
    batch_size and drop_last, and batch_size=None before drop_last.

    An error in the sampler, dataset or `collate_fn` is raised by `next` at its batch's turn, and
    the next call returns the batch after it; a sampler that failed has ended. StopIteration from a
    dataset or `collate_fn` becomes RuntimeError. An empty dataset gives no batch, shuffled or not.

    Raises ValueError, TypeError and NotImplementedError as `options.py` says, before anything is
    loaded. What was given cannot be changed afterwards.
    """

    # What was given or, where nothing was, what is used instead; both samplers are None for a
    # stream, and `sampler` is None beside a batch sampler, which alone decides.
    dataset: Any
    batch_size: int | None
    shuffle: bool
    sampler: Any
    batch_sampler: Any
    num_workers: int
    collate_fn: Callable[[Any], Any]
    pin_memory: bool
    drop_last: bool
    timeout: float
    worker_init_fn: Callable[[int], None] | None
    multiprocessing_context: BaseContext | None
    generator: torch.Generator | None
    prefetch_factor: int | None
    persistent_workers: bool
    pin_memory_device: str
    in_order: bool
    on_conflict: Literal["raise", "ignore"]

    def __init__(
        self,
        dataset: Keyed[T_co] | IterableDataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: torch.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        on_conflict: Literal["raise", "ignore"] = "raise",
    ) -> None:
        given = locals()
        options = checked(Options(**{name: given[name] for name in PARAMETERS}))
        if options.pin_memory_device:
            warnings.warn(
                "pin_memory_device is out of use, "
                f"got {options.pin_memory_device!r}, which has no effect; leave it out",
                DeprecationWarning,
                stacklevel=2,
            )
        vars(self).update(vars(options) | _defaults(options))

    def __iter__(self) -> Delivery:
        """Start an epoch, and return the iterator of its batches.

        Nothing is loaded before the first `next`. Iterators of one loader are independent of each
        other, except that they draw from the same generator.
        """
        pinned = self.pin_memory and can_pin()
        tasks = plan(self._keys())  # starts the sampler, as in torch before the seed is drawn
        draw_seed(self.generator)  # for workers; in one process only its being drawn matters
        fetch = fetcher(self.dataset, batched=self._batched, drop_last=self.drop_last)
        executor: Executor = Inline(fetch, self.collate_fn)
        if pinned:
            executor = Pinned(executor)
        return deliver(tasks, executor, window=0)

    def __len__(self) -> int:
        """Return the number of batches of an epoch, counted anew at each call.

        It follows from the length of the batch sampler, the sampler or the stream. Raises TypeError
        where that has none.
        """
        counted = self.dataset if is_stream(self.dataset) else self.sampler
        if counted is None:
            counted = self.batch_sampler
        if not hasattr(type(counted), "__len__"):
            raise TypeError(
                "a loader is as long as what gives its samples, "
                f"got {type(counted).__name__} without __len__; define it or count while iterating"
            )
        size = len(counted)
        if self.batch_size is None:
            return size
        return batches_in(size, self.batch_size, self.drop_last)

    def __bool__(self) -> bool:
        """Tell whether an epoch has batches; True also where only iterating would show it."""
        try:
            return len(self) > 0
        except TypeError:
            return True

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of one's own; raise ValueError for what the loader was built with."""
        if name in PARAMETERS:
            raise ValueError(
                f"{name} is fixed when a {type(self).__name__} is built, got an assignment; "
                "build a new one"
            )
        super().__setattr__(name, value)

    @property
    def _batched(self) -> bool:
        return self.batch_size is not None or self.batch_sampler is not None

    def _keys(self) -> Iterable[Any]:
        if is_stream(self.dataset):
            return repeat(self.batch_size)
        keys: Iterable[Any] = self.sampler if self.batch_sampler is None else self.batch_sampler
        return keys


def _defaults(options: Options) -> dict[str, Any]:
    """Return what the loader uses where the user gave nothing."""
    found: dict[str, Any] = {}
    batched = options.batch_size is not None or options.batch_sampler is not None
    if options.collate_fn is None:
        found["collate_fn"] = default_collate if batched else default_convert
    if is_stream(options.dataset) or options.batch_sampler is not None:
        return found
    sampler = options.sampler
    if sampler is None and options.shuffle:
        sampler = Shuffled(options.dataset, options.generator)
    elif sampler is None:
        sampler = Sequential(options.dataset)
    found["sampler"] = sampler
    if batched:
        found["batch_sampler"] = Batches(sampler, options.batch_size, options.drop_last)
    return found
