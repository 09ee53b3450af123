"""The accelerator of this machine, as far as a requirement on copies to it needs it.

Everything is asked through `torch.accelerator`, `torch.Stream` and `torch.Event`, so that any
accelerator will do; only the count of pinned allocations is CUDA's own. Work is queued as products
of matrices and measured by events, as there is no public call that makes a device wait.

Each measurement has a process of its own, with the device and its allocators as they are at first.
The process is forked, so whoever forks it must not have used the device.
"""

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch
from torch.utils.data import Dataset

from conformance.capability import Unsupported
from conformance.outcome import Outcome, Verdict
from conformance.subject import Subject

NO_ACCELERATOR = "no accelerator"
SERIALISING = ("CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING")
MEGABYTE = 2**20  # bytes; all blocks are powers of two, to which the allocators round
SIDE = 2048  # of the square matrices that are multiplied
FRESH = 3  # processes in which a time is taken
ALLOWED = 60.0  # seconds for one of them


def has_accelerator() -> bool:
    """Tell whether there is an accelerator that copies from pinned memory, without waking it.

    Apple's MPS shares its memory with the host and counts as none.
    """
    # Asked in this way CUDA is not initialised, so that processes can still be forked.
    with mock.patch.dict(os.environ, {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}):
        if not torch.accelerator.is_available():
            return False
    device = torch.accelerator.current_accelerator()
    return device is not None and device.type != "mps"


def lacks_accelerator(verdict: Verdict) -> bool:
    """Tell whether nothing could be judged because this machine has no accelerator."""
    return verdict.outcome is Outcome.UNSUPPORTED and verdict.message == NO_ACCELERATOR


@dataclass
class Blocks(Dataset[torch.Tensor]):
    """`size` samples of so many megabytes, the one at `index` being full of `index`.

    Each takes `seconds` to be loaded, in which its process waits as for a disk.
    """

    size: int
    megabytes: int
    seconds: float = 0.0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> torch.Tensor:
        time.sleep(self.seconds)
        return torch.full((self.megabytes * MEGABYTE // 4,), float(index))


class Accelerator:
    """The accelerator, awake and warm.

    Raises:
        Unsupported: there is none, or it is told to do one thing after the other.

    """

    def __init__(self) -> None:
        if not has_accelerator():
            raise Unsupported(NO_ACCELERATOR)
        for name in SERIALISING:
            if os.environ.get(name, "0") not in ("", "0"):
                raise Unsupported(
                    f"{name} is set, so that no copy is asynchronous and none can be judged; "
                    "unset it"
                )
        self.device = torch.accelerator.current_accelerator()
        self._side = torch.Stream(self.device)  # one for all, as memory belongs to a stream
        self._factor = torch.rand(SIDE, SIDE).to(self.device)
        self._product = torch.empty_like(self._factor)
        self.copy(torch.zeros(MEGABYTE // 4).pin_memory())  # wakes both allocators
        self._seconds_each = 1e-3
        self.work(0.02)
        self._seconds_each = self.seconds_of(lambda: self.work(0.02)) / 20

    def copy(self, host: torch.Tensor, *, non_blocking: bool = True) -> torch.Tensor:
        """Return a copy on the device."""
        return host.to(self.device, non_blocking=non_blocking)

    def work(self, seconds: float) -> None:
        """Queue so much work on the current stream, or a little more or less."""
        for _ in range(max(1, round(seconds / self._seconds_each))):
            torch.mm(self._factor, self._factor, out=self._product)

    def mark(self) -> torch.Event:
        """Return an event at the present end of the current stream."""
        event = torch.Event(self.device, enable_timing=True)
        event.record()
        return event

    def seconds_of(self, queue: Callable[[], Any]) -> float:
        """Return how long the device takes for what `queue` queues on the current stream."""
        begin = self.mark()
        queue()
        end = self.mark()
        end.synchronize()
        return float(begin.elapsed_time(end)) / 1000

    def wall_of(self, act: Callable[[], Any]) -> float:
        """Return the seconds from now until `act` has returned and the device has nothing to do."""
        torch.accelerator.synchronize()
        begun = time.perf_counter()
        act()
        torch.accelerator.synchronize()
        return time.perf_counter() - begun

    def behind_work(
        self, host: torch.Tensor, seconds: float, *, non_blocking: bool = True
    ) -> tuple[float, bool]:
        """Copy behind so much work: return the call's time as a share of the work's, and `busy`.

        `busy` tells whether the work was still under way when the call returned.
        """
        torch.accelerator.synchronize()
        begin = self.mark()
        self.work(seconds)
        end = self.mark()
        begun = time.perf_counter()
        copied = self.copy(host, non_blocking=non_blocking)
        call = time.perf_counter() - begun
        busy = not end.query()
        torch.accelerator.synchronize()
        del copied  # not before: its memory would be another copy's meanwhile
        return call / (begin.elapsed_time(end) / 1000), busy

    @contextlib.contextmanager
    def another_stream(self) -> Iterator[None]:
        """Queue on a stream beside the current one; the latter is current again afterwards."""
        current = torch.accelerator.current_stream()
        torch.accelerator.set_stream(self._side)
        try:
            yield
        finally:
            torch.accelerator.set_stream(current)

    def pinned_allocations(self) -> int:
        """Return how often torch has asked the system for pinned memory, or for pinning some.

        Raises:
            Unsupported: torch does not count it for this accelerator.

        """
        if self.device is None or self.device.type != "cuda":
            raise Unsupported("pinned allocations are counted on CUDA only")
        if not hasattr(torch.cuda, "host_memory_stats"):
            raise Unsupported("this torch does not count pinned allocations")
        return int(torch.cuda.host_memory_stats().get("num_host_alloc", 0))


def on_accelerator(subject: Subject, measure: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `measure(subject, accelerator, *arguments)` returns in a process of its own.

    Raises:
        Unsupported: there is no accelerator.
        AssertionError: the process died, or took too long.

    """
    with subject.start(with_accelerator, measure, *arguments) as process:
        answer = process.answer(ALLOWED)
    assert not isinstance(answer, str), f"the process that used the accelerator: {answer}"
    return answer


def typically(subject: Subject, measure: Callable[..., float], *arguments: Any) -> float:
    """Return the median of what `measure` returns in three fresh processes.

    It is beyond a limit if and only if two of the three are.
    """
    return float(median(on_accelerator(subject, measure, *arguments) for _ in range(FRESH)))


def with_accelerator(subject: Subject, measure: Callable[..., Any], *arguments: Any) -> Any:
    """Wake the accelerator and measure."""
    return measure(subject, Accelerator(), *arguments)


def described() -> str:
    """Return which accelerator there is and what drives it, or that there is none and why."""
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    device = torch.accelerator.current_accelerator()
    if not has_accelerator():
        kind = f"torch finds no {device.type} device" if device else "this torch is built for none"
        kind = "Apple's MPS copies nothing" if device and device.type == "mps" else kind
        return f"{NO_ACCELERATOR}: {kind} ({versions})"
    if device is None or device.type != "cuda":
        return f"{device} ({versions})"
    about = Path("/proc/driver/nvidia/version")
    driver = about.read_text().splitlines()[0] if about.exists() else "driver unknown"
    return f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda}, {driver}, {versions})"
