"""Tiny loaders with one vice each, for the harness to tell apart.

The first few are for the specification's tests; the virtuous `Plain` is what the rest fall from.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

import torch

from conformance.adapter import Adapter, Deviation, adapter_for
from conformance.capability import Capability

MARKUP = "</td><script>alert(1)</script> | `x` ```\n# [bold red]no[/bold red] &amp; ]]>"
CONTROL = "\x1b[31mred\x1b[0m \x00 \x07 \x7f \x85 \u2028 \ud800 \r end"


class Empty:
    """Takes everything and delivers nothing."""

    def __init__(self, dataset: Any, **options: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Refusing:
    """Takes nothing."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        raise ValueError("no")


class Plain:
    """No vice: lists of samples, in order."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        sampler: Any = None,
        drop_last: bool = False,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[Any]:
        indices = list(range(len(self.dataset)) if self.sampler is None else self.sampler)
        for start in range(0, len(indices), self.batch_size):
            batch = [self.dataset[index] for index in indices[start : start + self.batch_size]]
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        size = len(self.dataset) if self.sampler is None else len(self.sampler)
        return int(size // self.batch_size if self.drop_last else -(-size // self.batch_size))


class DroppingLast(Plain):
    """Loses the last sample."""

    def __iter__(self) -> Iterator[Any]:
        self.sampler = range(len(self.dataset) - 1)
        return super().__iter__()


class Hanging(Plain):
    """Never delivers the first batch."""

    def __iter__(self) -> Iterator[Any]:
        hang_here()
        return super().__iter__()


class HangingAtConstruction(Plain):
    """Is never constructed."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        hang_here()


class HangingWhenDropping(Plain):
    """Hangs, but only where the short batch is to be dropped."""

    def __iter__(self) -> Iterator[Any]:
        if self.drop_last:
            hang_here()
        return super().__iter__()


def hang_here() -> None:
    """Hang; the name is to be found in a traceback."""
    while True:
        time.sleep(3600)


class Exiting(Plain):
    """Ends the process, as if all were well."""

    code = 0

    def __iter__(self) -> Iterator[Any]:
        os._exit(self.code)


class ExitingWithThree(Exiting):
    """Ends the process with a code."""

    code = 3


class Segfaulting(Plain):
    """Ends the process as a broken extension does."""

    def __iter__(self) -> Iterator[Any]:
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().__iter__()


class KilledByARealTimeSignal(Plain):
    """Ends the process by a signal that has no name."""

    def __iter__(self) -> Iterator[Any]:
        os.kill(os.getpid(), signal.SIGRTMIN + 3)
        return super().__iter__()


class Endless(Plain):
    """Delivers the first sample for ever."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield [0]


class RaisingAnything(Plain):
    """Raises what no `except Exception` catches."""

    def __iter__(self) -> NoReturn:
        raise BaseException("not an Exception")


class RaisingSystemExit(Plain):
    """Asks the interpreter to end, successfully."""

    def __iter__(self) -> NoReturn:
        raise SystemExit(0)


class RaisingInterrupt(Plain):
    """Raises what Ctrl-C raises."""

    def __iter__(self) -> NoReturn:
        raise KeyboardInterrupt


class Shouting(Plain):
    """Prints fifty megabytes and then delivers well."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        for _ in range(50):
            os.write(1, b"." * 999_999 + b"\n")
        os.write(1, b"the last line\n")


class Patching(Plain):
    """Replaces a function of torch for everybody, and then delivers well."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        torch.randperm = None  # type: ignore[assignment]


class Mutating(Plain):
    """Empties the list that it was given as a sampler."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        if self.sampler is not None:
            self.sampler.clear()


class LeakingAProcess(Plain):
    """Leaves a child process behind, and then delivers well."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        leak_a_process()


def leak_a_process() -> int:
    """Start a process that nobody waits for, and return its id."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid


class LeakingAThread(Plain):
    """Leaves a thread behind that keeps the interpreter from ending, and then delivers well."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__(dataset, **options)
        threading.Thread(target=hang_here).start()


class Pinning(Plain):
    """No vice: pins each batch by a function that `locking` gives to its class."""

    lock: ClassVar[Any] = None  # a function of a tensor

    def __init__(
        self, dataset: Any, batch_size: int = 1, collate_fn: Any = None, pin_memory: bool = False
    ) -> None:
        super().__init__(dataset, batch_size)
        self.collate = collate_fn
        self.pin_memory = pin_memory

    def __iter__(self) -> Iterator[Any]:
        for samples in super().__iter__():
            batch = self.collate(samples)
            yield self.pinned(batch) if self.pin_memory and self.lock else batch

    def pinned(self, value: Any) -> Any:
        """Return a value with every tensor in it pinned."""
        if isinstance(value, torch.Tensor):
            return type(self).lock(value)
        if isinstance(value, dict):
            return type(value)({key: self.pinned(each) for key, each in value.items()})
        if isinstance(value, tuple) and hasattr(value, "_make"):
            return value._make(map(self.pinned, value))
        return type(value)(map(self.pinned, value)) if isinstance(value, list | tuple) else value


class PinningTheSurface(Pinning):
    """Pins what is a tensor or a mapping, and nothing else."""

    def pinned(self, value: Any) -> Any:
        return value if isinstance(value, tuple) else super().pinned(value)


@contextmanager
def locking(pin: Any) -> Iterator[None]:
    """Have loaders of that class pin by `pin(tensor)`: what an adapter offers as an accelerator."""
    Pinning.lock = pin and staticmethod(pin)
    try:
        yield
    finally:
        Pinning.lock = None


pinning = adapter_for("pinning", Pinning, offers={"accelerator": locking})
pinning_the_surface = adapter_for("surface", PinningTheSurface, offers={"accelerator": locking})


class Unrepresentable:
    """A sample whose repr takes the process down with it, if it is let."""

    def __repr__(self) -> str:
        raise SystemExit("a repr")


class DeliveringUnrepresentable(Plain):
    """Delivers what cannot be shown."""

    def __iter__(self) -> Iterator[Any]:
        yield [Unrepresentable()]


class DeliveringMarkup(Plain):
    """Delivers text that means something to terminals, XML and Markdown."""

    def __iter__(self) -> Iterator[Any]:
        yield [MARKUP, CONTROL]


class RaisingMarkup(Plain):
    """Raises with text that means something to terminals, XML and Markdown."""

    def __iter__(self) -> NoReturn:
        raise RuntimeError(MARKUP + CONTROL)


class Unprintable(Exception):  # noqa: N818 - the name is its vice
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise SystemExit("a str")


class RaisingUnprintable(Plain):
    """Raises what cannot be printed."""

    def __iter__(self) -> NoReturn:
        raise Unprintable


class Flaky(Plain):
    """Goes wrong in its third epoch, whatever it is asked, and never again."""

    epochs = 0

    def __iter__(self) -> Iterator[Any]:
        Flaky.epochs += 1
        return iter([["odd"]]) if Flaky.epochs == 3 else super().__iter__()


class NeedingALibrary(Plain):
    """Imports its library when it is constructed; it is not installed."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        import a_library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401


class Lengthless:
    """Takes two parameters, and has no length."""

    def __init__(self, dataset: Any, batch_size: int = 1) -> None:
        self.plain = Plain(dataset, batch_size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.plain)


class Outer:
    """Where a loader is nested."""

    class Nested(DroppingLast):
        """Loses the last sample, and is no attribute of its module."""


def make_plain(dataset: Sequence[Any], batch_size: int = 1, *, drop_last: bool = False) -> Plain:
    """Make a loader; a function is as good as a class."""
    return Plain(dataset, batch_size, drop_last=drop_last)


def make_dropping(dataset: Sequence[Any], batch_size: int = 1) -> Plain:
    """Make a loader that loses the last sample."""
    return DroppingLast(dataset, batch_size)


class Factory:
    """An object that makes loaders when called; it has no name."""

    def __call__(self, dataset: Any, batch_size: int = 1) -> Plain:
        return DroppingLast(dataset, batch_size)


factory = Factory()


def keywords_only(*, dataset: Any, batch_size: int = 1) -> Plain:
    """Make a loader, but not as a DataLoader is made."""
    return Plain(dataset, batch_size)


not_callable = 3

# Loses the last sample, says so, and says of itself what is not so.
declared = adapter_for(
    "declared",
    DroppingLast,
    deviations=(
        Deviation("four_samples_make_two_pairs", "it loses one"),
        Deviation("the_length_is_the_number_of_batches", "it was so"),
    ),
)


def uniterable(dataset: Any) -> int:
    """Make what cannot be iterated."""
    return len(dataset)


def once(dataset: Any, batch_size: int = 1) -> Iterator[Any]:
    """Make a generator, which is gone after an epoch."""
    return iter(Plain(dataset, batch_size))


def still_wrapped(dataset: Any, batch_size: int = 1) -> list[Any]:
    """Make batches as another library delivers them: in a column."""
    return [{"sample": batch} for batch in Plain(dataset, batch_size)]


class Copying(Plain):
    """Copies the dataset before anything is asked for."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        super().__init__([dataset[index] for index in range(len(dataset))], **options)


def ignoring(dataset: Any, batch_size: int = 1, drop_last: bool = False) -> Plain:
    """Make a loader without handing on what is asked of the last batch."""
    return Plain(dataset, batch_size)


NEEDED = {Capability.DATASET, Capability.BATCH_SIZE, Capability.EMPTY_DATASET}
copying = Adapter("copying", Copying, frozenset({*NEEDED, Capability.LAZY_DATASET}))
claiming = Adapter("claiming", make_plain, frozenset({*NEEDED, Capability.SHUFFLE}))
modest = Adapter("modest", make_plain, frozenset({*NEEDED, Capability.LAZY_DATASET}))
misnamed = Adapter(
    "misnamed",
    make_plain,
    frozenset({*NEEDED, Capability.LAZY_DATASET, Capability.DROP_LAST}),
    distribution="no-such-package",
)
claiming_nothing = Adapter("claiming nothing", Plain, frozenset())
leaking_a_process = Adapter("leaking a process", LeakingAProcess, frozenset(NEEDED))
leaking_a_thread = Adapter("leaking a thread", LeakingAThread, frozenset(NEEDED))
