"""What a loader does, counted: figures that no load of the machine changes.

A stopwatch needs statistics; these are whole numbers, the same in every run of the same code, so
one more call a sample is seen at once and for certain. What is counted:

- calls: functions entered, of Python and of C, as `sys.setprofile` tells of them. It tells of the
  calling thread alone, so this is for loaders without workers.
- traffic: bytes that this process reads and writes, by read(2) and write(2) as `/proc/self/io` has
  them and by the methods of `socket.socket`, and descriptors that arrive over sockets. What travels
  in shared memory is no traffic, but its descriptors are. What C code does with a socket behind
  Python's back is not seen. Linux adds what a child has read and written when it has ended, so
  workers should be persistent.
- draws: 32-bit numbers drawn from a generator.

A figure counts only if a first epoch warmed up (imports, caches), and two more agree.
"""

import gc
import hashlib
import socket
import statistics
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from conformance.errors import UsageError

Construct = Callable[[], Iterable[Any]]
Counts = dict[str, int | str]

_END = object()
_IO = Path("/proc/self/io")  # Linux alone has it
_DESCRIPTOR = struct.calcsize("i")
_SEED = 3141592653
_DRAWS_AT_MOST = 1 << 17
_SIGNATURE = 8  # numbers that follow the last draw; by chance they occur once in 2**192


def calls(construct: Construct) -> Counts:
    """Return how many functions an epoch enters, and a batch: the commonest number of a `next`.

    `calls_per_epoch` is all of it, from `iter` to StopIteration, so that what is moved from each
    batch to the start of the epoch shows as what it saves.

    Raises:
        UsageError: the epoch has fewer than three batches.

    """
    loader = construct()
    return _agreed(loader, lambda: _calls(loader))


def calls_by_sample(by_size: Mapping[int, Construct]) -> Counts:
    """Return the calls of each batch apart from those of each sample in it.

    Args:
        by_size: loaders of two batch sizes, and alike otherwise.

    Raises:
        UsageError: there are not two sizes, or an epoch has fewer than three batches.

    """
    if len(by_size) != 2:
        raise UsageError(
            f"calls of a sample show between two batch sizes, got {len(by_size)}; give two"
        )
    (small, fewer), (large, more) = sorted(
        (size, calls(construct).get("calls_per_batch")) for size, construct in by_size.items()
    )
    if not (isinstance(fewer, int) and isinstance(more, int)):
        return {}
    a_sample = (more - fewer) // (large - small)
    return {"calls_per_sample": a_sample, "calls_per_batch": fewer - small * a_sample}


def traffic(construct: Construct) -> Counts:
    """Return the bytes that an epoch moves in and out of this process, and descriptors passed.

    Nothing, where the system does not count what a process reads.
    """
    if not _IO.exists():
        return {}
    loader = construct()
    return _agreed(loader, lambda: _traffic(loader))


def draws(construct: Construct, generator: torch.Generator | None = None) -> Counts:
    """Return how many 32-bit numbers an epoch draws from a generator.

    Where there are more than 131072 of them, the state that they leave is told by its digest.

    Args:
        construct: makes the loader.
        generator: the one that the loader was given; torch's default one, if none.

    """
    source = torch.default_generator if generator is None else generator
    before = source.get_state()
    try:
        loader = construct()
        return _agreed(loader, lambda: _draws(loader, source))
    finally:
        source.set_state(before)


def increases(benchmark: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> list[str]:
    """Return a line for each figure in which `head` does more than `base`, or is not countable.

    A digest fails if it differs. What only `head` counts has nothing to be compared with.
    """
    lines = []
    for name, before in base.items():
        after = head.get(name)
        if after is None:
            lines.append(f"{benchmark}: {words(name)} not the same in every epoch, {before} before")
        elif isinstance(before, int) and isinstance(after, int):
            if after > before:
                lines.append(f"{benchmark}: {after} {words(name)}, {before} before")
        elif after != before:
            lines.append(f"{benchmark}: {words(name)} is {after}, {before} before")
    return lines


def words(name: str) -> str:
    """Return a figure's name in words: "calls a batch"."""
    return name.replace("_per_", " a ").replace("_", " ").replace(" a epoch", " an epoch")


def _agreed(loader: Iterable[Any], count: Callable[[], Counts]) -> Counts:
    """Warm up, count two epochs, and return what is the same in both."""
    for _ in loader:
        pass
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()  # a collection runs finalizers, and those are calls
    try:
        first, second = count(), count()
    finally:
        if collecting:
            gc.enable()
    return {name: value for name, value in first.items() if second.get(name) == value}


def _calls(loader: Iterable[Any]) -> Counts:
    entered = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal entered
        entered += event in ("call", "c_call")

    def count(step: Callable[[Any], Any], argument: Any) -> tuple[Any, int]:
        nonlocal entered
        entered = 0
        sys.setprofile(note)
        try:
            value = step(argument)
        except StopIteration:
            value = _END
        finally:
            sys.setprofile(None)
        return value, entered

    _, ours = count(next, iter([0]))  # of counting itself, which differs between Pythons
    iterator, starting = count(iter, loader)
    batches = []
    while True:
        batch, calls_of_it = count(next, iterator)
        if batch is _END:
            break
        batches.append(calls_of_it - ours)
    if len(batches) < 3:
        raise UsageError(
            f"calls are counted over at least 3 batches, got {len(batches)}; take more samples"
        )
    return {
        "calls_per_batch": min(statistics.multimode(batches)),
        "calls_per_epoch": starting - ours + sum(batches) + calls_of_it - ours,
    }


def _traffic(loader: Iterable[Any]) -> Counts:
    with _watched_sockets() as seen:
        reading = _IO.read_bytes()
        before = _moved(reading) + len(reading)
        for _ in loader:
            pass
        moved = _moved(_IO.read_bytes()) - before
    return {
        "bytes_per_epoch": moved + seen["bytes"],
        "descriptors_per_epoch": seen["descriptors"],
    }


def _moved(text: bytes) -> int:
    fields = dict(line.split(b": ") for line in text.splitlines())
    return int(fields[b"rchar"]) + int(fields[b"wchar"])


@contextmanager
def _watched_sockets() -> Iterator[dict[str, int]]:
    """Count what passes through `socket.socket`, whose system calls /proc/self/io leaves out."""
    seen = {"bytes": 0, "descriptors": 0}

    def add(answer: Any, sent: Any) -> None:
        if isinstance(answer, tuple) and len(answer) == 4:  # recvmsg, recvmsg_into
            answer, ancillary, *_ = answer
            seen["descriptors"] += sum(
                len(data) // _DESCRIPTOR
                for level, kind, data in ancillary
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            )
        if answer is None:  # sendall, which sends it all or raises
            answer = memoryview(sent).cast("B")
        seen["bytes"] += answer if isinstance(answer, int) else len(answer)

    def watched(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def method(self: socket.socket, *arguments: Any, **keywords: Any) -> Any:
            answer = original(self, *arguments, **keywords)
            add(answer, arguments[0] if arguments else None)
            return answer

        return method

    names = ("recv", "recv_into", "recvmsg", "recvmsg_into", "send", "sendall", "sendmsg")
    for name in names:
        setattr(socket.socket, name, watched(name))
    try:
        yield seen
    finally:
        for name in names:
            delattr(socket.socket, name)  # what it inherits is back


def _draws(loader: Iterable[Any], generator: torch.Generator) -> Counts:
    generator.manual_seed(_SEED)
    for _ in loader:
        pass
    after = torch.Generator()
    after.set_state(generator.get_state())
    following = _numbers(after, _SIGNATURE)
    stream = _numbers(torch.Generator().manual_seed(_SEED), _DRAWS_AT_MOST + _SIGNATURE)
    found = (stream.unfold(0, _SIGNATURE, 1) == following).all(1).nonzero()
    if len(found):
        return {"draws_per_epoch": int(found[0])}
    state = hashlib.sha256(bytes(generator.get_state().tolist())).hexdigest()[:16]
    return {"generator_state": state}


def _numbers(generator: torch.Generator, count: int) -> torch.Tensor:
    # A number below 2**28 takes 32 bits of a generator, a larger one 64.
    return torch.empty(count, dtype=torch.int32).random_(0, 1 << 24, generator=generator)
