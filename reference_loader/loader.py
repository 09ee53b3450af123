"""The loader: from a dataset and a user's wishes to an iterator over batches.

An epoch is `DataLoader.__iter__`, and it reads from top to bottom: keys are drawn and grouped,
numbered, handed to an executor, which fetches and collates, and delivered in order. Each step is a
module of its own.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from multiprocessing.context import BaseContext
from typing import Any, Generic, Literal, TypeVar

import torch
from torch.utils.data import IterableDataset

from reference_loader.arguments import Options
from reference_loader.batching import Batches, batches_in, in_blocks
from reference_loader.collation import default_collate, default_convert
from reference_loader.crew import Crew
from reference_loader.deliver import Delivery, deliver
from reference_loader.drawing import drawn
from reference_loader.executor import Executor
from reference_loader.fetching import Keyed, fetcher, is_stream
from reference_loader.inline import Inline
from reference_loader.options import CHANGEABLE, changed, checked
from reference_loader.pages import shared
from reference_loader.pinning import Pinned, can_pin, pin
from reference_loader.plan import plan
from reference_loader.processes import Processes
from reference_loader.sampling import Sequential, Shuffled
from reference_loader.seeding import draw_seed
from reference_loader.standing import Standing
from reference_loader.tables import as_it_is, loads_rows
from reference_loader.worker import Job

T_co = TypeVar("T_co", covariant=True)
PARAMETERS = tuple(Options.__dataclass_fields__)


class DataLoader(Generic[T_co]):
    """Batches of a dataset, as often as it is iterated; each iteration is an epoch.

    It takes the arguments of `torch.utils.data.DataLoader`, with the same names, order, defaults
    and meaning (D1, D2 §2), delivers the same batches in the same order, and draws the same numbers
    from `generator`, or from torch's default generator where none is given.

    `dataset` has `__getitem__` and `__len__`, or is an `IterableDataset`, whose own order then
    rules out `shuffle`, `sampler` and `batch_sampler`. `batch_size=None` delivers single samples.
    `collate_fn` takes the list of a batch's samples, or one sample without batching; the defaults
    are `default_collate` and `default_convert`.

    `on_conflict` is this loader's own. Exclusive arguments raise ValueError, as in torch; with
    "ignore" the one that decides more silences the others without a word, as D1 sampler and D1
    batch_sampler have it: batch_sampler before sampler before shuffle, batch_sampler also before
    batch_size and drop_last, and batch_size=None before drop_last.

    With `num_workers` of at least 1 that many processes do the work (D1 num_workers), ahead of the
    caller by `prefetch_factor` batches each, and the batches are the same. Workers are seeded as in
    torch, and `torch.utils.data.get_worker_info` works in them. They end with the epoch, however
    that ends; persistent ones with the loader and its last iterator.

    An error in the sampler, dataset, `collate_fn` or `worker_init_fn` is raised by `next` at its
    batch's turn, and the next call returns the batch after it; a sampler that failed has ended, and
    so has a worker's part of a stream. From a worker it comes with its type, and with the worker's
    traceback in its message. StopIteration from a dataset or `collate_fn` becomes RuntimeError. An
    empty dataset gives no batch, shuffled or not. A worker that dies and a wait of more than
    `timeout` seconds raise RuntimeError, end all workers and the epoch with them: every further
    `next` raises the same error. The next epoch starts new workers, also where they are persistent.

    Raises ValueError and TypeError as `options.py` says, before anything is loaded, and warns of
    more workers than cores. What decides the batches is fixed then; the arguments in `CHANGEABLE`
    can be set, and hold from the next epoch on. A `generator` set later seeds the workers, but the
    sampler keeps its own.
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
        self._standing = Standing()
        options = checked(Options(**{name: given[name] for name in PARAMETERS}))
        if options.pin_memory_device:
            warnings.warn(
                "pin_memory_device is out of use, "
                f"got {options.pin_memory_device!r}, which has no effect; leave it out",
                DeprecationWarning,
                stacklevel=2,
            )
        vars(self).update(vars(options) | _defaults(options))

    def __iter__(self) -> Delivery | Inline:
        """Start an epoch, and return the iterator of its batches.

        Without workers nothing is loaded before the first `next`. Iterators of one loader are
        independent of each other, except that they draw from the same generator; but persistent
        workers serve one at a time, and a new one ends the one before, whose `next` then raises
        RuntimeError.

        Raises RuntimeError if workers are to be started by a worker, and PicklingError if the
        start method needs an argument pickled that cannot be.
        """
        pinned = self.pin_memory and can_pin()
        if not self.num_workers:
            return self._inline(pinned)
        tasks = plan(self._keys())  # starts the sampler, as in torch before the seed is drawn
        executor: Executor = self._processes()
        if pinned:
            executor = Pinned(executor)
        window = self.num_workers * (self.prefetch_factor or 0)
        delivery = deliver(tasks, executor, window, in_order=self.in_order, timeout=self.timeout)
        self._standing.begin_epoch(delivery)
        return delivery

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
        """Set an argument in `CHANGEABLE`, or an attribute of one's own.

        Raises what the constructor raises for a wrong value, and ValueError for all that decides
        the batches.
        """
        if name in CHANGEABLE:
            options = Options(**{each: getattr(self, each) for each in PARAMETERS})
            options = changed(options, name, value)
            vars(self).update(vars(options) | _defaults(options))
            self._standing.crew = None  # persistent workers know only what held when they started
        elif name in PARAMETERS:
            raise ValueError(
                f"{name} is fixed when a {type(self).__name__} is built, got an assignment; "
                "build a new one"
            )
        else:
            super().__setattr__(name, value)

    @property
    def _batched(self) -> bool:
        return self.batch_size is not None or self.batch_sampler is not None

    def _inline(self, pinned: bool) -> Inline:
        collate = self.collate_fn
        # The default batch of a table of tensors needs neither samples nor keys one by one.
        rows = loads_rows(self.dataset) if self._batched and collate is default_collate else None
        keys = self._keys(in_pieces=rows is not None)
        draw_seed(self.generator)  # for workers; in one process only its being drawn matters
        if rows is not None:
            fetch, collate = rows, as_it_is
        else:
            fetch = fetcher(self.dataset, batched=self._batched, drop_last=self.drop_last)
        self._standing.pages = shared()  # for the first batches of the next epoch
        return Inline(keys, fetch, _then_pinned(collate) if pinned else collate)

    def _processes(self) -> Executor:
        keep = self.persistent_workers
        if keep:
            self._standing.end_epoch()
        crew = self._standing.usable_crew() if keep else None
        if crew is None:
            crew = Crew(self._job(), self.multiprocessing_context)
        self._standing.crew = crew if keep else None
        return Processes(crew, self.num_workers, in_order=self.in_order, keep=keep)

    def _job(self) -> Job:
        draw = self._standing.base_seed if self.persistent_workers else draw_seed
        return Job(
            dataset=self.dataset,
            batched=self._batched,
            drop_last=self.drop_last,
            collate_fn=self.collate_fn,
            worker_init_fn=self.worker_init_fn,
            base_seed=draw(self.generator),
            num_workers=self.num_workers,
            prefetch_factor=self.prefetch_factor or 0,
        )

    def _keys(self, in_pieces: bool = False) -> Iterator[Any]:
        """Start the sampler; `in_pieces`: the keys of a batch may come as a tensor or a range."""
        if is_stream(self.dataset):
            return repeat(self.batch_size)
        if self.batch_sampler is None:
            return drawn(self.sampler)
        return in_blocks(self.batch_sampler) if in_pieces else iter(self.batch_sampler)


def _then_pinned(collate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda samples: pin(collate(samples))


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
