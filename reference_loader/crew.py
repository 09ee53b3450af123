"""The worker processes of a loader, from their start to their end: frames to them and from them.

Every worker has a connection of its own, and nothing is shared between workers, so one that is
killed at any moment can neither block the others nor garble what they send.
"""

import itertools
import multiprocessing
import os
import pickle
import select
import signal
import socket
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

from reference_loader.arguments import typed
from reference_loader.channel import Incoming, Outgoing, connected, frame
from reference_loader.preloading import preload
from reference_loader.stock import Stock
from reference_loader.transport import Part
from reference_loader.worker import Job, work

GRACE = 1.0  # seconds that all workers together have to end by themselves
MERCY = 0.5  # seconds between SIGTERM and SIGKILL
PROBE = 1.0  # seconds between looks at the workers themselves while nothing happens


class Member:
    """One worker, seen from the main process."""

    def __init__(
        self, number: int, process: BaseProcess, connection: socket.socket, stock: Stock
    ) -> None:
        self.number = number
        self.process = process
        self.connection = connection
        self.incoming = Incoming(connection)
        self.outgoing = Outgoing(connection)
        self.stock = stock
        self.ended = False


class _Guard:
    """A context that calls `end` if an error leaves it; it is entered for each batch, twice.

    Whatever was interrupted, frames may then be cut in two.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._end()


class Crew:
    """Workers, started together and ended together.

    They end when `close` is called, when the crew is no longer referred to, when the program ends,
    and before any error leaves a method: a crew that has lost a worker is of no further use.

    Raises RuntimeError in a daemonic process, which may have no children, and PicklingError for a
    job that cannot be handed to a new process.
    """

    def __init__(self, job: Job, context: BaseContext | None) -> None:
        _require_a_parent(job.num_workers)
        self._members: list[Member] = []
        self._arrived: deque[tuple[int, list[Part]]] = deque()
        self._poll = select.poll()  # which, unlike epoll, needs no descriptor
        self._watched: dict[int, Member] = {}  # by connections and sentinels
        self._owner = os.getpid()
        self._epochs = itertools.count(1)
        # Not a method, which would refer to the crew and keep it alive.
        self._end = weakref.finalize(self, _end, self._members, self._owner)
        self._closing_on_error = _Guard(self._end)
        context = context or multiprocessing.get_context()
        if context.get_start_method() == "forkserver":
            preload()
        with self._closing_on_error:
            for number in range(job.num_workers):
                self._start(number, job, context)

    @property
    def usable(self) -> bool:
        """Whether all workers are there, and are this process's."""
        return (
            self._end.alive
            and os.getpid() == self._owner
            and all(member.process.exitcode is None for member in self._members)
        )

    def new_epoch(self) -> int:
        """Return a number that no order to these workers has had yet."""
        return next(self._epochs)

    def send(self, worker: int, parts: list[Part]) -> None:
        """Send a copy of the parts, without waiting; to a worker that has ended it is lost."""
        member = self._members[worker]
        with self._closing_on_error:
            note, descriptors = member.stock.dispatch()
            member.outgoing.put(frame([note, *parts]), descriptors)
            if member.outgoing:
                self._watch(member)

    def receive(self, owing: Collection[int], deadline: float) -> tuple[int, list[Part]]:
        """Return the next frame that arrives, and the number of the worker that sent it.

        What a worker sent before its death arrives like everything else. Raises RuntimeError where
        nothing more has arrived and one of the workers in `owing` has ended, and TimeoutError at
        the deadline, a reading of `time.monotonic`. After any error the crew is closed.
        """
        if os.getpid() != self._owner:
            raise RuntimeError(
                "an iterator with worker processes belongs to the process that made it, "
                f"got a call in process {os.getpid()}; call iter(loader) there"
            )
        with self._closing_on_error:
            while not self._arrived:
                self._require_alive(owing)
                self._wait(deadline)
            return self._arrived.popleft()

    def close(self) -> None:
        """End all workers, and wait until they have ended; a second call is free."""
        self._end()

    def _start(self, number: int, job: Job, context: BaseContext) -> None:
        held, given = connected()
        with given:
            start: Any = context  # its type has no Process, each of its subtypes has
            process: BaseProcess = start.Process(
                target=work, args=(job, number, given), name=f"loader-{number}", daemon=True
            )
            member = Member(number, process, held, Stock(job.prefetch_factor))
            try:
                process.start()
            except BaseException as error:
                held.close()
                _explain(error, job, context)
                raise
        self._members.append(member)
        for descriptor in (held.fileno(), process.sentinel):
            self._poll.register(descriptor, select.POLLIN)
            self._watched[descriptor] = member

    def _watch(self, member: Member) -> None:
        if not member.ended:
            wanted = select.POLLIN | (select.POLLOUT if member.outgoing else 0)
            self._poll.modify(member.connection, wanted)

    def _wait(self, deadline: float) -> None:
        remaining = max(deadline - time.monotonic(), 0)
        events = self._poll.poll(1000 * min(remaining, PROBE))
        for descriptor, happened in events:
            member = self._watched[descriptor]
            if happened & select.POLLOUT:
                member.outgoing.flush()
                self._watch(member)
            if happened & ~select.POLLOUT:
                self._read(member, whole=descriptor != member.connection.fileno())
        if events:
            return
        if time.monotonic() >= deadline:
            raise TimeoutError
        # A process that the worker has forked may hold both its connection and its sentinel open.
        for member in self._members:
            if member.process.exitcode is not None:
                self._read(member, whole=True)

    def _read(self, member: Member, whole: bool) -> None:
        """Read a frame if it is complete; `whole`: all of them, for nothing more will come."""
        if member.ended:
            return
        try:
            while (parts := next(member.incoming)) is not None:
                self._arrived.append((member.number, member.stock.opened(parts)))
                if not whole and not member.incoming.ahead:
                    return
        except EOFError:
            whole = True
        if whole:
            member.ended = True
            self._poll.unregister(member.connection)
            self._poll.unregister(member.process.sentinel)

    def _require_alive(self, owing: Collection[int]) -> None:
        for member in self._members:
            if member.ended and member.number in owing:
                raise RuntimeError(
                    f"worker {member.number} (pid {member.process.pid}) {_fate(member.process)} "
                    "before it had delivered its batches; see what it printed, and for SIGKILL "
                    "whether the system ran out of memory; iter(loader) starts new workers"
                )


def _require_a_parent(workers: int) -> None:
    if multiprocessing.current_process().daemon:
        raise RuntimeError(
            "a daemonic process, such as a worker, may not start workers, "
            f"got num_workers={workers} in one; use num_workers=0 there"
        )


def _fate(process: BaseProcess) -> str:
    process.join(PROBE)  # its connection may have ended a moment before it
    code = process.exitcode
    if code is None:
        return "closed its connection"
    if code >= 0:
        return f"exited with code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def _explain(error: BaseException, job: Job, context: BaseContext) -> None:
    """Raise in place of `error` a better one, if it comes from pickling an argument."""
    if context.get_start_method() == "fork":
        return
    for name in ("dataset", "collate_fn", "worker_init_fn"):
        value = getattr(job, name)
        try:
            ForkingPickler.dumps(value)
        except OSError:
            return  # a descriptor was wanting, which no change of the value brings
        except Exception as cause:
            raise pickle.PicklingError(
                f"{name} must be picklable to start workers by {context.get_start_method()}, "
                f"got {typed(value)}: {cause}; define it at the top level of a module, or use "
                "multiprocessing_context='fork'"
            ) from error


def _end(members: list[Member], owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked process has inherited the object, but not the workers
    for member in members:
        with suppress(OSError):
            member.connection.shutdown(socket.SHUT_RDWR)
        member.connection.close()
        member.outgoing.drop()
    # The workers share each of these times; eight slow ones do not take eight times as long.
    _await(members, GRACE)
    for stop in (BaseProcess.terminate, BaseProcess.kill):
        for process in (member.process for member in members):
            if process.is_alive():
                stop(process)
        _await(members, MERCY)
    for member in members:
        with suppress(ValueError):  # not even SIGKILL ends a process that waits for a dead disk
            member.process.close()


def _await(members: list[Member], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for member in members:
        member.process.join(max(deadline - time.monotonic(), 0))
