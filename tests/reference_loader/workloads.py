"""Datasets, streams and functions for worker processes, which have to find them by import."""

import faulthandler
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info


class Numbers:
    """Samples that tell of everything random, and of the worker that made them."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: int) -> tuple[Any, ...]:
        info = get_worker_info()
        return (
            key,
            float(torch.rand(())),
            random.random(),
            float(np.random.rand()),
            torch.get_num_threads() if info else 1,
            None if info is None else (info.id, info.num_workers, info.seed),
        )


class Shards(IterableDataset[Any]):
    """A stream of which each worker has its own part, of a length of its own."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        worker = 0 if info is None else info.id
        for place in range(self.lengths[worker % len(self.lengths)]):
            yield worker, place, random.random()


class Scripted:
    """Does at some keys what a function does; the key is the sample."""

    def __init__(self, size: int, actions: dict[int, Any]) -> None:
        self.size = size
        self.actions = actions

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: int) -> int:
        if key in self.actions:
            self.actions[key]()
        return key


class ScriptedStream(IterableDataset[int]):
    """A stream of the numbers below `size`, in all workers the same, with actions."""

    def __init__(self, size: int, actions: dict[int, Any]) -> None:
        self.samples = Scripted(size, actions)

    def __iter__(self) -> Iterator[int]:
        self.samples.actions.get(-1, int)()
        return (self.samples[key] for key in range(self.samples.size))


class Raise:
    """An action."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *_: Any) -> None:
        raise self.error


class Kill:
    """An action: the process ends as the name of a signal or an exit code says."""

    def __init__(self, how: str | int) -> None:
        self.how = how

    def __call__(self, *_: Any) -> None:
        faulthandler.disable()  # a segmentation fault is meant here
        if isinstance(self.how, int):
            os._exit(self.how)
        os.kill(os.getpid(), getattr(signal, self.how))
        time.sleep(60)


class Sleep:
    """An action: it takes so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, *_: Any) -> None:
        time.sleep(self.seconds)


class Wait:
    """An action that notes that it has begun, and takes until a file exists."""

    def __init__(self, folder: Path) -> None:
        self.begun = folder / "begun"
        self.go_on = folder / "go on"

    def __call__(self, *_: Any) -> None:
        self.begun.touch()
        until(self.go_on.exists)


class Note:
    """Notes in a folder the calls of a function, as files named by process and argument."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: Any) -> None:
        name = "-".join(map(str, (os.getpid(), *arguments, time.monotonic_ns())))
        (self.folder / name).touch()

    def calls(self) -> int:
        return len(list(self.folder.iterdir()))


def pid(batch: Any) -> int:
    """Collate to what tells which process made the batch."""
    return os.getpid()


def as_is(batch: Any) -> Any:
    """Collate to the samples as they are."""
    return batch


def until(condition: Any, seconds: float = 30) -> None:
    """Wait for what another process brings about; fail if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.002)


def parent_has_torch(batch: Any) -> bool:
    """Tell whether the process that this one is a fork of has torch loaded."""
    return "libtorch" in Path(f"/proc/{os.getppid()}/maps").read_text()
