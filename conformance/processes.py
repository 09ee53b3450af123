"""Processes of a check's own, to be hung, interrupted and killed, and the wait for what they do.

All waiting has a limit, and what has not come by then is a value: a check compares it and fails.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import psutil

PATIENCE = 10.0  # seconds; what takes longer has not happened
SLOWER = 10  # times as long, where each worker imports what it needs before it does anything


def unhurried(seconds: float, method: str | None = None) -> float:
    """Return how long to wait for what takes so many seconds if workers are forked.

    `method` is how they are started, if not by the default of this process.
    """
    return seconds if (method or default_start_method()) == "fork" else SLOWER * seconds


def default_start_method() -> str:
    """Return how this process starts workers by default, without deciding it for good."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    return chosen or multiprocessing.get_all_start_methods()[0]


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Wait until the condition holds, and return whether it came to that in so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(0.005)
    return True


def running(pids: Iterable[int], seconds: float = 0.0) -> list[int]:
    """Return which of these processes are still running after so many seconds, or sooner if none.

    One that has ended and that its parent has not yet asked about does not run.
    """
    pids = list(pids)
    until(lambda: not any(map(_runs, pids)), seconds)
    return [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            # As long as other threads of it are about to end, its parent is not told.
            return bool(process.num_threads() > 1)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return True


def die(manner: str) -> None:
    """End this process without further ado: "SIGKILL", say, or "exit 0"."""
    if manner.startswith("exit "):
        os._exit(int(manner.removeprefix("exit ")))
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), signal.Signals[manner])
    time.sleep(PATIENCE)  # another thread may be the one that takes the signal


class Started:
    """A call of a module-level function in a process of its own, which may start workers.

    `method` says how the process is started: "fork" makes it a copy of this one, in no time, and
    "spawn" a new interpreter. Leaving the context ends the process and all that it has started.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        method: str = "fork",
        blame: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        context: Any = multiprocessing.get_context(method)
        self._blame = blame
        self._receiver, sender = context.Pipe(duplex=False)
        default = multiprocessing.get_start_method(allow_none=True)
        self._process = context.Process(target=_answer, args=(sender, default, function, arguments))
        self._process.start()
        self._started = time.monotonic()
        sender.close()

    def answer(self, seconds: float = PATIENCE) -> Any:
        """Return what the function returned, or raise what it raised.

        If it has not ended so many seconds after its start, or dies, the answer is a text that
        says so. Where workers are not forked that is more time.
        """
        seconds = unhurried(seconds)
        remaining = self._started + seconds - time.monotonic()
        # The receiver may be held open by a process that the other one has left behind.
        until(lambda: self._receiver.poll() or self._process.exitcode is not None, remaining)
        try:
            if not self._receiver.poll():
                code = self._process.exitcode
                return f"no answer in {seconds:g} s" if code is None else f"died with {code}"
            value, error = self._receiver.recv()
        except EOFError:
            self._process.join(seconds)
            return f"died with {self._process.exitcode}"
        if error is not None:
            with self._blame():
                raise error
        return value

    def exit_code(self, seconds: float = PATIENCE) -> int | None:
        """Wait so long for the process to end, and return its exit code, None if it has not."""
        self._process.join(seconds)
        code: int | None = self._process.exitcode
        return code

    def interrupt(self) -> None:
        """Do what Ctrl-C in a terminal does: interrupt the process and all that it has started."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the process alone."""
        self._process.kill()
        self._process.join()

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.join()
        self._receiver.close()


def _answer(
    sender: Connection,
    start_method: str | None,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    multiprocessing.set_start_method(start_method, force=True)  # it would be that of this process
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        value, error = function(*arguments), None
    except BaseException as raised:
        value, error = None, raised
    try:
        sender.send((value, error))
    except Exception as unsendable:
        text = f"{error or value!r} cannot be sent: {unsendable!r}"
        sender.send((None, RuntimeError(text)))
