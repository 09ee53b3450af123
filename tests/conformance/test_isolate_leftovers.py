"""Of an isolated call nothing is left, however it ended and whoever was interrupted."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from conformance.isolate import Call, Ending, isolated
from tests.miniatures import hang_here, leak_a_process

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("spec")  # it warms the fork server up


def ending_of(function: Callable[..., Any], *arguments: Any, deadline: float = 30.0) -> Ending:
    ((_, ending),) = isolated([Call(function, arguments)], deadline=deadline)
    return ending


def gone(pid: int) -> bool:
    """Whether a process ends soon: the kernel clears a killed one up in its own time."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True  # it is dead, and nobody has asked for it
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def leak_and_hang(pids: str) -> None:
    Path(pids).write_text(f"{leak_a_process()} {os.getpid()}")
    hang_here()


def leak_a_thread() -> int:
    threading.Thread(target=hang_here).start()
    return os.getpid()


def test_the_processes_of_a_call_are_gone_when_it_has_answered() -> None:
    ending = ending_of(leak_a_process)
    assert ending.returned
    assert gone(ending.value)


def test_the_processes_of_a_call_are_gone_when_it_was_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    assert not ending_of(leak_and_hang, str(pids), deadline=2).returned
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def _when_written(path: str) -> str:
    while not (Path(path).exists() and len(Path(path).read_text().split()) == 2):
        time.sleep(0.01)
    return "written"


def _interrupt(path: str, pid: int) -> None:
    _when_written(path)
    os.kill(pid, signal.SIGINT)
    hang_here()


ORPHANING = """
import sys
from conformance.isolate import Call, isolated, preload
from tests.conformance.test_isolate_leftovers import tell_and_hang
preload(["tests.conformance.test_isolate_leftovers"])
list(isolated([Call(tell_and_hang, (sys.argv[1],))], deadline=1))
"""


def tell_and_hang(path: str) -> None:
    Path(path).write_text(f"{os.getpid()} {os.getpid()}")
    # Whoever has to end this is killed before it can.
    os.kill(_main_of(psutil.Process()), signal.SIGKILL)
    hang_here()


def _main_of(process: psutil.Process) -> int:
    """Return the parent of the fork server that a process comes from."""
    return int(psutil.Process(process.ppid()).ppid())


def test_a_thread_that_stays_keeps_nothing_waiting() -> None:
    ending = ending_of(leak_a_thread)
    assert ending.returned
    assert gone(ending.value)


def test_closing_stops_what_is_running(tmp_path: Path) -> None:
    """As Ctrl-C does, or whoever stops listening."""
    pids = tmp_path / "pids"
    calls = [Call(leak_and_hang, (str(pids),)), Call(_when_written, (str(pids),))]
    with contextlib.closing(isolated(calls, deadline=60, jobs=2)) as endings:
        _, ending = next(endings)
        assert ending.value == "written"
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_an_interrupt_from_outside_stops_what_is_running(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    main = os.getpid()
    calls = [Call(leak_and_hang, (str(pids),)), Call(_interrupt, (str(pids), main))]
    with pytest.raises(KeyboardInterrupt):
        list(isolated(calls, deadline=60, jobs=2))
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_nothing_outlives_by_much_who_is_killed_itself(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", ORPHANING, str(pids)]
    main = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
    assert main.returncode == -signal.SIGKILL
    assert gone(int(pids.read_text().split()[0]))
