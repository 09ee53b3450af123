"""What runs in a worker process: seeded and introduced once, it then does tasks until told to end.

A worker takes tasks from its connection and sends one answer for each, in the order of the tasks.
It is told to end by the end of the connection, so it also ends when the main process is killed.
"""

import os
import select
import signal
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Queue
from typing import Any, NamedTuple

import numpy.random  # noqa: F401  numpy would load it in every worker anew, when that is seeded
import torch
from torch.utils.data._utils import worker as torch_worker

from reference_loader import room
from reference_loader.channel import Incoming, frame
from reference_loader.collation import default_collate
from reference_loader.executor import Done, Ended, Failed, Outcome, perform
from reference_loader.failure import Failure, put_together, taken_apart
from reference_loader.fetching import Fetch, Stream, fetcher, is_stream
from reference_loader.plan import Task
from reference_loader.seeding import seed_process
from reference_loader.shelf import Shelf
from reference_loader.tables import as_it_is, loads_rows
from reference_loader.transport import Part, pack, unpack

Collate = Callable[[Any], Any]

FAREWELL = 1.0  # seconds that a worker may go on after the main process has gone

_ENVELOPE = struct.Struct("!QQ")  # epoch and position, readable also where the batch is not


@dataclass(frozen=True, eq=False)
class Job:
    """What all workers of a loader have in common."""

    dataset: Any
    batched: bool
    drop_last: bool
    collate_fn: Collate
    worker_init_fn: Callable[[int], None] | None
    base_seed: int
    num_workers: int
    prefetch_factor: int = 2


class Order(NamedTuple):
    """A task, and the epoch that it belongs to."""

    epoch: int
    task: Task


def ordered(epoch: int, task: Task) -> list[Part]:
    """Return the parts of an order; raise what pickling raises for keys that cannot be pickled."""
    return pack((epoch, *task))  # a plain tuple pickles in a tenth of the time


def understood(parts: Sequence[Part]) -> Order:
    """Return the order that was sent as these parts."""
    epoch, *task = unpack(parts)
    return Order(epoch, Task(*task))


class Answer(NamedTuple):
    """An outcome on its way, still packed; `opened` reads it."""

    epoch: int
    position: int
    parts: list[Part]


def answered(epoch: int, outcome: Outcome, where: str) -> list[Part]:
    """Return the parts of an answer; `where` is the worker in words, should it tell of an error.

    A batch that cannot be pickled has failed.
    """
    return [_ENVELOPE.pack(epoch, outcome.position), *_content(outcome, where)]


def received(parts: list[Part]) -> Answer:
    """Return the answer that was sent as these parts."""
    epoch, position = _ENVELOPE.unpack(parts[0])
    return Answer(epoch, position, parts[1:])


def opened(answer: Answer) -> Outcome:
    """Return the outcome in an answer; a batch that does not unpickle has failed."""
    try:
        content = unpack(answer.parts)
    except Exception as cause:
        error = RuntimeError(
            f"batch {answer.position} was pickled by a worker but cannot be unpickled: {cause!r}; "
            "have __reduce__ of its objects say how to rebuild them, or return tensors"
        )
        error.__cause__ = cause
        return Failed(answer.position, error)
    if isinstance(content, Failure):
        return Failed(answer.position, put_together(content))
    return Ended(answer.position) if content is Stream.ENDED else Done(answer.position, content[0])


def _content(outcome: Outcome, where: str) -> list[Part]:
    if isinstance(outcome, Ended):
        return pack(Stream.ENDED)
    if isinstance(outcome, Failed):
        return pack(taken_apart(outcome.error, where))
    try:
        return pack([outcome.batch])
    except Exception as cause:
        error = TypeError(
            f"a batch must be picklable to leave its worker, got {cause!r}; "
            "return tensors, arrays and plain containers, or use num_workers=0"
        )
        error.__cause__ = cause
        return pack(taken_apart(error, where))


def work(job: Job, worker: int, connection: socket.socket) -> None:
    """Be worker number `worker` until the other end of the connection is closed."""
    _keep_out_of_signals()
    threading.Thread(target=_leave_after_main_process, args=[connection], daemon=True).start()
    torch.set_num_threads(1)  # the workers share the cores already
    seed = seed_process(job.base_seed, worker)
    _introduce(job, worker, seed)
    open_epoch = _opener(job, _error_of_init(job, worker))
    outbox, shelf = _Outbox(connection), Shelf()
    room.offer(shelf.room)
    where = f"worker {worker} (pid {os.getpid()})"
    epoch, ways = 0, None
    for order in _orders(connection, shelf):
        if ways is None or order.epoch != epoch:
            epoch, ways = order.epoch, open_epoch()
        outcome = perform(order.task, *ways)
        parts = answered(epoch, outcome, where)
        del outcome  # a batch is not kept while the next one is made, nor while it is stowed
        outbox.put(frame(shelf.stowed(parts)))


def _keep_out_of_signals() -> None:
    # Ctrl-C reaches all processes of a terminal, and the main one decides what to do about it.
    # A handler of SIGTERM that was inherited would be the main process's, and not end this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave_after_main_process(connection: socket.socket) -> None:
    # Usually the loop over the orders has ended long before. If a fetch takes minutes and the main
    # process was killed, there is nobody else to end it.
    hangup = select.poll()
    hangup.register(connection, 0)
    hangup.poll()
    time.sleep(FAREWELL)
    os._exit(1)


def _introduce(job: Job, worker: int, seed: int) -> None:
    # `torch.utils.data.get_worker_info` is what datasets call to learn which part of a stream is
    # theirs. It reads this variable, and there is no public way to set it.
    torch_worker._worker_info = torch_worker.WorkerInfo(
        id=worker, num_workers=job.num_workers, seed=seed, dataset=job.dataset
    )


def _error_of_init(job: Job, worker: int) -> BaseException | None:
    if job.worker_init_fn is None:
        return None
    try:
        job.worker_init_fn(worker)
    except BaseException as error:
        return error
    return None


def _opener(job: Job, failed: BaseException | None) -> Callable[[], tuple[Fetch, Collate]]:
    """Return what opens the dataset for an epoch: how to fetch in it, and how to collate.

    To fetch raises if opening failed.
    """

    def open_epoch() -> tuple[Fetch, Collate]:
        if failed is not None:
            return _raising(failed, once=is_stream(job.dataset)), job.collate_fn
        try:
            if job.batched and job.collate_fn is default_collate:
                rows = loads_rows(job.dataset)
                if rows is not None:
                    return rows, as_it_is
            fetch = fetcher(job.dataset, batched=job.batched, drop_last=job.drop_last)
        except BaseException as error:
            fetch = _raising(error, once=is_stream(job.dataset))
        return fetch, job.collate_fn

    return open_epoch


def _raising(error: BaseException, once: bool) -> Fetch:
    # A stream is given tasks until it says that it has ended, so it may not fail for ever.
    trace = error.__traceback__
    raised = False

    def fetch(_: Any) -> Any:
        nonlocal raised
        if raised and once:
            return Stream.ENDED
        raised = True
        raise error.with_traceback(trace)

    return fetch


def _orders(connection: socket.socket, shelf: Shelf) -> Iterator[Order]:
    # All that has come is read before the next task is begun, so the end of the connection is known
    # without doing first what nobody waits for any more. Tasks of an epoch that was left early are
    # done: how many random numbers persistent workers draw must not depend on who is faster.
    arriving = Incoming(connection)
    waiting: deque[Order] = deque()
    news = select.poll()
    news.register(connection, select.POLLIN)
    while True:
        try:
            while (parts := next(arriving)) is not None:
                note, *order = parts
                shelf.take(note, arriving.descriptors)
                arriving.descriptors.clear()
                waiting.append(understood(order))
                if not arriving.ahead:
                    break  # there was no more of it a moment ago; asking again would cost a call
        except EOFError:
            return
        if waiting:
            yield waiting.popleft()
        else:
            news.poll()


class _Outbox:
    """Sends answers without keeping the next task waiting.

    A batch larger than what the connection can hold is sent only as fast as the main process reads
    it, and that one may be busy with the batch before. A thread waits for it, from the first batch
    on that needs it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: Queue[memoryview] = Queue()
        self._thread: threading.Thread | None = None

    def put(self, data: bytes) -> None:
        rest = memoryview(data)
        # A small batch fits, and need not wait until the thread gets its turn.
        if self._waiting.unfinished_tasks == 0:
            try:
                rest = rest[self._connection.send(rest, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # nobody is left to take it; the orders have ended as well
        if rest:
            self._waiting.put(rest)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, daemon=True)
                self._thread.start()

    def _send_all(self) -> None:
        while True:
            data = self._waiting.get()
            try:
                self._connection.sendall(data)
            except OSError:
                return
            self._waiting.task_done()
