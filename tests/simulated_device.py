"""An accelerator on paper: streams that take time, copies in flight, pinned memory, and a clock.

It stands where torch's device interface is, as far as `conformance.accelerator` uses it, so that
the code that measures a device runs unchanged. Its time is its own: it passes when the host waits,
calls the device or loads a block, and nothing else takes any. So what is measured is the same on
every machine; how a real device behaves it does not know.
"""

import ctypes
import heapq
import itertools
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch

import conformance.accelerator
from conformance.simulated import simulated_accelerator

MEGABYTE = 2**10  # bytes that stand for a megabyte
SPEED = 10_000 * MEGABYTE  # bytes a second from pinned memory
ORDINARY = 3  # times as long does a copy from other memory take
CALL = 5e-6  # seconds that the host needs to ask the device for something
PRODUCT = 5e-4  # seconds that a product of matrices takes
plainly_to = torch.Tensor.to


class Stream:
    """One thing after the other; all that is queued is done at `free_at`."""

    free_at = 0.0


class Device:
    """The device, the host's clock, and the pinned memory that is copied from."""

    def __init__(self) -> None:
        self.now = 0.0
        self.streams = [Stream()]
        self.current = self.streams[0]
        self.pending: list[tuple[float, int, Callable[[], Any]]] = []
        self.order = itertools.count()
        self.free: dict[int, list[bytearray]] = defaultdict(list)
        self.addresses: dict[int, int] = {}
        self.allocations = 0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.wait_until(self.now + seconds)

    def wait_until(self, moment: float) -> None:
        """Let time pass, and what is in flight arrive."""
        self.now = max(self.now, moment)
        while self.pending and self.pending[0][0] <= self.now:
            heapq.heappop(self.pending)[2]()

    def queue(self, seconds: float, act: Callable[[], Any] | None = None) -> None:
        """Queue something on the current stream, and do `act` when it is over."""
        self.sleep(CALL)
        self.current.free_at = max(self.current.free_at, self.now) + seconds
        if act:
            heapq.heappush(self.pending, (self.current.free_at, next(self.order), act))

    def stream(self, device: Any = None) -> Stream:
        self.streams.append(Stream())
        return self.streams[-1]

    def set_stream(self, stream: Stream) -> None:
        self.current = stream

    def synchronize(self) -> None:
        self.wait_until(max(stream.free_at for stream in self.streams))

    def event(self, device: Any = None, *, enable_timing: bool = False) -> "Event":
        return Event(self)

    def product(self, *factors: Any, out: Any) -> None:
        self.queue(PRODUCT)

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        """Copy into pinned memory, a power of two in size, that is free again with the copy."""
        if self.is_pinned(tensor):
            return tensor
        size = 1 << max(tensor.nbytes - 1, 0).bit_length()
        if not self.free[size]:
            self.allocations += 1
            self.free[size].append(bytearray(size))
        block = self.free[size].pop()
        held = (ctypes.c_ubyte * size).from_buffer(block)
        self.addresses[ctypes.addressof(held)] = size
        weakref.finalize(held, self.free[size].append, block)
        memory = torch.frombuffer(held, dtype=torch.uint8)[: tensor.nbytes]
        return memory.view(tensor.dtype).view(tensor.shape).copy_(tensor)

    def is_pinned(self, tensor: torch.Tensor) -> bool:
        at = tensor.data_ptr()
        return any(begin <= at < begin + size for begin, size in self.addresses.items())

    def copy(self, host: torch.Tensor, non_blocking: bool) -> torch.Tensor:
        """Copy to the device. Ordinary memory is waited for, as a real driver may or may not do."""
        copied = torch.empty(host.shape, dtype=host.dtype)
        pinned = self.is_pinned(host)
        seconds = host.nbytes / SPEED * (1 if pinned else ORDINARY)
        self.queue(seconds, lambda: copied.copy_(host))
        if not (non_blocking and pinned):
            self.wait_until(self.current.free_at)
        copied.__dict__["on_device"] = True
        return copied


class Event:
    """A point in a stream."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.at = 0.0

    def record(self) -> None:
        self.device.queue(0)
        self.at = self.device.current.free_at

    def query(self) -> bool:
        return self.at <= self.device.now

    def synchronize(self) -> None:
        self.device.wait_until(self.at)

    def wait(self) -> None:
        stream = self.device.current
        stream.free_at = max(stream.free_at, self.at)

    def elapsed_time(self, other: "Event") -> float:
        return 1000 * (other.at - self.at)


@contextmanager
def simulated_device() -> Iterator[Device]:
    """Have torch find the simulated device, and a megabyte be a kilobyte."""
    device = Device()

    def to(tensor: torch.Tensor, *arguments: Any, **options: Any) -> torch.Tensor:
        target = arguments[0] if arguments else options.get("device")
        if not isinstance(target, torch.device) or target.type == "cpu":
            return plainly_to(tensor, *arguments, **options)
        if getattr(tensor, "on_device", False):
            return tensor
        return device.copy(tensor, options.get("non_blocking", False))

    replacements: list[tuple[Any, str, Any]] = [
        (torch.accelerator, "current_stream", lambda: device.current),
        (torch.accelerator, "set_stream", device.set_stream),
        (torch.accelerator, "synchronize", device.synchronize),
        (torch.cuda, "host_memory_stats", lambda: {"num_host_alloc": device.allocations}),
        (torch, "Stream", device.stream),
        (torch, "Event", device.event),
        (torch, "mm", device.product),
        (torch.Tensor, "to", to),
        (torch.Tensor, "is_pinned", lambda tensor: device.is_pinned(tensor)),
        (conformance.accelerator, "time", device),
        (conformance.accelerator, "MEGABYTE", MEGABYTE),
        (conformance.accelerator, "SIDE", 2),
    ]
    with ExitStack() as replaced:
        replaced.enter_context(simulated_accelerator(device.pin))
        for home, name, value in replacements:
            replaced.enter_context(mock.patch.object(home, name, value))
        yield device
