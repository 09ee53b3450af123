"""Calls functions in process groups of their own, against a deadline; whatever happens is a value.

Processes come from a fork server that has torch and the specification loaded already, so that none
has to import them. Nothing that a loader does to its process outlives it: not a patched library,
not a thread, not a child process.
"""

import contextlib
import faulthandler
import math
import multiprocessing
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

import psutil

OUTPUT_KEPT = 4_000  # bytes
# What faulthandler says last of a crash; it is long, and would push out where the crash was.
EXTENSIONS = re.compile(rb"^\nExtension modules: .*\n", re.MULTILINE)
GRACE = 1.0  # seconds for a process to end after it has answered
context = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Call:
    """A picklable function and its arguments.

    Attributes:
        function: what is called.
        arguments: with what.
        method: how its process is started; "spawn" makes a new interpreter, with nothing loaded.
        hash_seed: the PYTHONHASHSEED of a new interpreter; that of this one if None.

    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    method: str = "forkserver"
    hash_seed: int | None = None


@dataclass(frozen=True)
class Ending:
    """How an isolated call ended: it returned a value, or died of something, or ran out of time."""

    value: Any = None
    returned: bool = False
    exit_code: int | None = None
    output: str = ""
    seconds: float = 0.0

    @property
    def death(self) -> str:
        """What the process died of, in words; nothing if it answered or had to be stopped."""
        if self.returned or self.exit_code is None:
            return ""
        if self.exit_code < 0:
            return f"was killed by {_signal_name(-self.exit_code)}"
        return f"ended with exit code {self.exit_code}"


def preload(modules: Sequence[str]) -> None:
    """Have these modules imported in the fork server, once for all calls to come."""
    context.set_forkserver_preload([*modules, "conformance.priming"])
    # Ctrl-C reaches the server as well; it must not show how far its imports were. The tracker, as
    # it starts, lets the signal through again, so it goes first.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    forkserver.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def isolated(
    calls: Iterable[Call], *, deadline: float, jobs: int = 1
) -> Generator[tuple[Call, Ending]]:
    """Run calls, `jobs` at a time and each for at most `deadline` seconds; yield them as they end.

    An ended call's process is gone, and so is all that it started in its process group. Closing
    the iterator (or an exception in here, such as a KeyboardInterrupt) stops those still running.
    """
    waiting = iter(calls)
    running: list[Running] = []
    try:
        while True:
            while len(running) < jobs and (call := next(waiting, None)) is not None:
                running.append(Running(call, deadline))
            if not running:
                return
            handles = [handle for each in running for handle in each.handles]
            wait(handles, timeout=max(0.0, min(each.until for each in running) - time.monotonic()))
            for each in [each for each in running if each.over]:
                running.remove(each)
                yield each.call, each.end()
    finally:
        for each in running:
            each.end()


class Running:
    """One call on its way."""

    def __init__(self, call: Call, deadline: float) -> None:
        self.call = call
        self.output = tempfile.NamedTemporaryFile()  # noqa: SIM115 - closed in end()
        own: Any = multiprocessing.get_context(call.method)
        self.receiver, sender = own.Pipe(duplex=False)
        self.process = own.Process(
            target=_child,
            args=(
                sender,
                self.output.name,
                deadline,
                multiprocessing.get_start_method(allow_none=True),
                call,
            ),
        )
        with _hash_seed(call.hash_seed):
            self.process.start()
        sender.close()
        # Only now, as the first process waits for the fork server to have loaded everything.
        self.started = time.monotonic()
        self.until = self.started + deadline

    @property
    def handles(self) -> list[Any]:
        """What becomes ready when the call is over."""
        return [self.receiver, self.process.sentinel]

    @property
    def over(self) -> bool:
        """Whether it has answered, died or run out of time."""
        return bool(wait(self.handles, timeout=0)) or time.monotonic() >= self.until

    def end(self) -> Ending:
        """Clear up all that is left of the call, and tell how it went."""
        answered_or_dead = bool(wait(self.handles, timeout=0))
        value, returned = _received(self.receiver)
        if answered_or_dead:
            self.process.join(GRACE)
        exit_code = self.process.exitcode
        if exit_code == -signal.SIGALRM:  # nobody had come to stop it in time: see _child
            exit_code = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.ident or os.getpid(), signal.SIGKILL)
        if self.process.is_alive():  # it had not come to lead a group yet
            self.process.kill()
        self.process.join()
        self.process.close()
        self.receiver.close()
        with self.output:
            return Ending(
                value, returned, exit_code, _tail(self.output), time.monotonic() - self.started
            )


def _child(
    sender: Connection, output: str, deadline: float, start_method: str | None, call: Call
) -> None:
    os.setsid()
    _bound_memory()
    # A process that was started in some way has it as the default for its own; a loader is to start
    # its workers as it does in a program of its user's.
    multiprocessing.set_start_method(start_method, force=True)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        printed = os.open(output, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:  # whoever wanted this was interrupted before it began
        os._exit(0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # With this a crash or a hang shows in the output where it happened.
    faulthandler.enable(sys.stderr)
    faulthandler.dump_traceback_later(deadline - min(0.5, deadline / 5))
    # Should whoever has to end this process be killed itself, the process ends nevertheless.
    signal.alarm(math.ceil(deadline + 2 * GRACE))
    value = call.function(*call.arguments)
    faulthandler.cancel_dump_traceback_later()
    sender.send(value)
    sender.close()


def _bound_memory() -> None:
    """Let this process have half of the memory that is available, and no more.

    A loader without an end fills all of it, and the system might then end anything but the loader.
    """
    half = psutil.virtual_memory().available // 2
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    bound = half if most == resource.RLIM_INFINITY else min(half, most)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, most))


@contextlib.contextmanager
def _hash_seed(seed: int | None) -> Iterator[None]:
    """Let a new interpreter that is started in this context hash by another seed."""
    if seed is None:
        yield
        return
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = str(seed)
    try:
        yield
    finally:
        del os.environ["PYTHONHASHSEED"]
        if before is not None:
            os.environ["PYTHONHASHSEED"] = before


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


def _received(receiver: Connection) -> tuple[Any, bool]:
    try:
        return (receiver.recv(), True) if receiver.poll() else (None, False)
    except EOFError:
        return None, False


def _tail(output: Any) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - 2 * OUTPUT_KEPT))
    told = EXTENSIONS.sub(b"", output.read())
    text = told[-OUTPUT_KEPT:].decode("utf-8", "replace")
    whole = size <= 2 * OUTPUT_KEPT and len(told) <= OUTPUT_KEPT
    return text if whole else f"(the last {OUTPUT_KEPT:,} of {size:,} bytes)\n{text}"
