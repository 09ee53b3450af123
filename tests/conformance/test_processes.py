"""Processes of a check's own: whatever becomes of them is a value, and nothing is left of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from conformance.processes import Started, die, running, unhurried, until
from conformance.trace import Trace


def add(one: int, other: int) -> int:
    return one + other


def fail(text: str) -> None:
    raise ValueError(text)


def hang() -> None:
    time.sleep(60)


def unsendable() -> Any:
    return lambda: None


def start_another(trace: Trace) -> None:
    trace.record("own", os.getpid())
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    trace.record("other", other.pid)
    time.sleep(60)


def be_interrupted(trace: Trace) -> str:
    trace.record("ready", 0)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        return "interrupted"
    return "not interrupted"


def default_method() -> str | None:
    return multiprocessing.get_start_method(allow_none=True)


def test_waiting_tells_whether_it_came_to_it() -> None:
    assert until(lambda: True, 0)
    assert not until(lambda: False, 0.02)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_a_function_returns_is_the_answer(method: str) -> None:
    with Started(add, 1, 2, method=method) as process:
        assert process.answer(60) == 3
        assert process.exit_code() == 0


def test_what_a_function_raises_is_raised() -> None:
    with Started(fail, "no") as process, pytest.raises(ValueError, match=r"^no$"):
        process.answer()


def test_a_hang_and_a_death_are_answers() -> None:
    with Started(hang) as hung, Started(die, "exit 3") as dead, Started(die, "SIGKILL") as killed:
        answers = [dead.answer(), killed.answer(), hung.answer(0.5)]
    assert answers == ["died with 3", "died with -9", "no answer in 0.5 s"]


def test_what_cannot_be_sent_is_told() -> None:
    with Started(unsendable) as process, pytest.raises(RuntimeError, match=r"lambda.*cannot be se"):
        process.answer()


def test_a_process_is_interrupted_as_in_a_terminal() -> None:
    with Trace() as trace, Started(be_interrupted, trace) as process:
        assert until(lambda: trace.events("ready"))
        process.interrupt()
        assert process.answer() == "interrupted"


def test_leaving_the_context_ends_all_that_was_started() -> None:
    with Trace() as trace:
        with Started(start_another, trace):
            assert until(lambda: trace.events("other"))
        assert running(trace.keys("own") + trace.keys("other"), 5) == []


def test_a_process_can_be_killed_alone() -> None:
    with Trace() as trace, Started(start_another, trace) as process:
        assert until(lambda: trace.events("other"))
        process.kill()
        (other,) = trace.keys("other")
        assert (process.exit_code(0), running([other])) == (-signal.SIGKILL, [other])
        os.kill(other, signal.SIGKILL)


def test_workers_start_in_it_as_they_do_here() -> None:
    with Started(default_method) as process:
        assert process.answer() == multiprocessing.get_start_method(allow_none=True)


def test_what_has_ended_does_not_run_though_nobody_has_asked() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    assert running([process.pid], 20) == []
    process.wait()
    assert running([process.pid, os.getpid()]) == [os.getpid()]


@pytest.mark.parametrize(("method", "seconds"), [("fork", 3), ("forkserver", 30), ("spawn", 30)])
def test_where_workers_import_anew_one_waits_longer(method: str, seconds: float) -> None:
    assert unhurried(3, method) == seconds
