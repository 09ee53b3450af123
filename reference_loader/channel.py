"""Frames over a connection between two processes: whole messages, without ever waiting.

A connection is a socket pair rather than a pipe because one side can then end it for both
(`shutdown`), however many processes have inherited a copy of it.
"""

import os
import socket
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from weakref import WeakSet

import numpy as np

from reference_loader.transport import Part

_COUNT = struct.Struct("!I")
_AT_ONCE = 512  # buffers in one system call; Linux takes 1024

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
    """Return the bytes that `frames` takes apart; they are a copy of the parts."""
    sizes = [len(part) for part in parts]
    return b"".join((struct.pack(f"!I{len(sizes)}Q", len(sizes), *sizes), *parts))


def frames(connection: socket.socket) -> "Iterator[list[Part] | None]":
    """Yield the parts of each frame as it is complete; None while the rest is on its way.

    Each part has memory of its own, so holding on to one of them keeps no other. The iterator
    raises EOFError where the other side has ended; what it has sent before is yielded first, and a
    frame that was cut off is dropped.
    """
    while True:
        head = bytearray(_COUNT.size)
        yield from _fill(connection, [head])
        (count,) = _COUNT.unpack(head)
        sizes = bytearray(8 * count)
        yield from _fill(connection, [sizes])
        # Memory as it comes: it would be a waste to clear what is overwritten at once.
        parts = [np.empty(size, np.uint8) for size in struct.unpack(f"!{count}Q", sizes)]
        yield from _fill(connection, parts)
        yield parts


def _fill(connection: socket.socket, buffers: Sequence[Part]) -> Iterator[None]:
    missing = [memoryview(buffer) for buffer in buffers if len(buffer)]
    while missing:
        try:
            count = connection.recvmsg_into(missing[:_AT_ONCE], 0, socket.MSG_DONTWAIT)[0]
        except BlockingIOError:
            yield None
            continue
        except OSError as error:  # the other side has ended without reading all it was sent
            raise EOFError from error
        if count == 0:
            raise EOFError
        done = 0
        while done < len(missing) and count >= len(missing[done]):
            count -= len(missing[done])
            done += 1
        del missing[:done]
        if count:
            missing[0] = missing[0][count:]


class Outgoing:
    """The frames that wait to be sent, because the other side is slower than this one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: deque[memoryview] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, data: bytes) -> None:
        """Send what can be sent at once, and keep the rest."""
        self._waiting.append(memoryview(data))
        self.flush()

    def flush(self) -> None:
        """Send what can be sent by now. If nobody is left to take it, it is dropped."""
        while self._waiting:
            data = self._waiting.popleft()
            try:
                rest = data[self._connection.send(data, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                rest = data
            except OSError:  # whoever reads will notice, and knows what that means
                self._waiting.clear()
                return
            if rest:
                self._waiting.appendleft(rest)
                if len(rest) == len(data):
                    return
