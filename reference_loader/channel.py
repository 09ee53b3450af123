"""Frames over a connection between two processes: whole messages, without ever waiting.

A connection is a socket pair rather than a pipe because one side can then end it for both
(`shutdown`), however many processes have inherited a copy of it.
"""

import os
import socket
import struct
from array import array
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from weakref import WeakSet

import numpy as np

from reference_loader.transport import Part

_COUNT = struct.Struct("!I")
_AT_ONCE = 512  # buffers in one system call; Linux takes 1024
_AHEAD = 1 << 16  # bytes that are read ahead, so that small frames need one system call each
_CONTROL = socket.CMSG_SPACE(16)  # room for four descriptors; one at a time is sent

_held: "WeakSet[socket.socket]" = WeakSet()


def connected() -> tuple[socket.socket, socket.socket]:
    """Return two connected ends: one to hold, which no forked process keeps, and one to give."""
    held, given = socket.socketpair()
    _held.add(held)
    return held, given


def _forget_inherited() -> None:
    # A connection ends when no process holds its other end. If workers kept those that they have
    # inherited, none of them would notice that the main process was killed.
    for connection in list(_held):
        connection.close()


os.register_at_fork(after_in_child=_forget_inherited)


def frame(parts: Sequence[Part]) -> bytes:
    """Return the bytes that `Incoming` takes apart; they are a copy of the parts."""
    sizes = [len(part) for part in parts]
    return b"".join((struct.pack(f"!I{len(sizes)}Q", len(sizes), *sizes), *parts))


class Incoming:
    """The frames that arrive: an iterator over the parts of each; None while the rest is coming.

    Each part has memory of its own, so holding on to one of them keeps no other. The iterator
    raises EOFError where the other side has ended; what it has sent before is yielded first, and a
    frame that was cut off is dropped. Descriptors that came along are put into `descriptors`, with
    or before the frame that they were sent with.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.descriptors: list[int] = []
        self._connection = connection
        self._buffer = memoryview(bytearray(_AHEAD))
        self._ahead = self._buffer[:0]  # what has been read of the frames to come
        self._frames = self._read()

    def __iter__(self) -> "Incoming":
        return self

    def __next__(self) -> list[Part] | None:
        return next(self._frames)

    @property
    def ahead(self) -> bool:
        """Whether something was read already that has not been yielded."""
        return bool(self._ahead)

    def _read(self) -> Iterator[list[Part] | None]:
        while True:
            (count,) = _COUNT.unpack((yield from self._taken(_COUNT.size)))
            sizes = struct.unpack(f"!{count}Q", (yield from self._taken(8 * count)))
            if sum(sizes) <= len(self._ahead):
                yield [self._cut(size) for size in sizes]
                continue
            # Memory as it comes: it would be a waste to clear what is overwritten at once.
            parts = [np.empty(size, np.uint8) for size in sizes]
            yield from self._fill(parts)
            yield parts

    def _taken(self, size: int) -> Generator[None, None, bytearray]:
        if size and not self._ahead:
            yield from self._receive([])
        if size <= len(self._ahead):
            return self._cut(size)
        piece = bytearray(size)  # it was cut in two on its way, or is larger than what is read
        yield from self._fill([piece])
        return piece

    def _cut(self, size: int) -> bytearray:
        piece = bytearray(self._ahead[:size])
        self._ahead = self._ahead[size:]
        return piece

    def _fill(self, buffers: Sequence[Part]) -> Iterator[None]:
        missing = [memoryview(buffer) for buffer in buffers if len(buffer)]
        self._ahead = _moved(self._ahead, missing)
        while missing:
            yield from self._receive(missing)

    def _receive(self, missing: list[memoryview]) -> Iterator[None]:
        """Receive something: of what is missing, and of what comes after it."""
        buffers = missing[:_AT_ONCE] if len(missing) > _AT_ONCE else [*missing, self._buffer]
        while True:
            try:
                count, controls, _, _ = self._connection.recvmsg_into(
                    buffers, _CONTROL, socket.MSG_DONTWAIT
                )
                break
            except BlockingIOError:
                yield None
            except OSError as error:  # the other side has ended without reading all it was sent
                raise EOFError from error
        if count == 0:
            raise EOFError
        for level, kind, data in controls:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.descriptors += array("i", data[: len(data) - len(data) % array("i").itemsize])
        self._ahead = self._buffer[: _passed(count, missing)]


def _moved(ahead: memoryview, missing: list[memoryview]) -> memoryview:
    """Fill the missing buffers with what was read ahead; return what is left of it."""
    done = 0
    for buffer in missing:
        if len(ahead) < len(buffer):
            break
        buffer[:] = ahead[: len(buffer)]
        ahead = ahead[len(buffer) :]
        done += 1
    del missing[:done]
    if missing and ahead:
        missing[0][: len(ahead)] = ahead
        missing[0] = missing[0][len(ahead) :]
        return ahead[:0]
    return ahead


def _passed(count: int, missing: list[memoryview]) -> int:
    """Take the first `count` bytes from what is missing; return how many are beyond it."""
    done = 0
    while done < len(missing) and count >= len(missing[done]):
        count -= len(missing[done])
        done += 1
    del missing[:done]
    if not missing:
        return count
    missing[0] = missing[0][count:]
    return 0


class Outgoing:
    """The frames that wait to be sent, because the other side is slower than this one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: deque[tuple[memoryview, Sequence[int]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send what can be sent at once, and keep the rest.

        The descriptors go with the first byte, and are closed then. Where the system does not let
        them pass the data goes without them.
        """
        self._waiting.append((memoryview(data), descriptors))
        self.flush()

    def flush(self) -> None:
        """Send what can be sent by now. If nobody is left to take it, it is dropped."""
        while self._waiting:
            data, descriptors = self._waiting[0]
            try:
                count = self._send(data, descriptors)
            except BlockingIOError:
                return
            except OSError:  # whoever reads will notice, and knows what that means
                self.drop()
                return
            _close(descriptors)
            self._waiting.popleft()
            if count < len(data):
                self._waiting.appendleft((data[count:], ()))

    def drop(self) -> None:
        """Give up all that waits."""
        while self._waiting:
            _close(self._waiting.popleft()[1])

    def _send(self, data: memoryview, descriptors: Sequence[int]) -> int:
        if descriptors:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
            with suppress(OSError):  # such as too many descriptors on their way
                return self._connection.sendmsg([data], [rights], socket.MSG_DONTWAIT)
        return self._connection.send(data, socket.MSG_DONTWAIT)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
