"""A record that any process may write to."""

import multiprocessing
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conformance.trace import Trace

EACH = 200


def write(trace: Trace, start: int) -> None:
    for key in range(start, start + EACH):
        trace.record("fetch", key)


def die(trace: Trace) -> None:
    trace.record("last", 7)
    os._exit(1)


def test_an_event_says_what_who_and_when() -> None:
    with Trace() as trace:
        trace.record("fetch", 3)
        trace.record("collate", -1)
        first, second = trace.events()
    assert (first.kind, first.key, second.kind, second.key) == ("fetch", 3, "collate", -1)
    assert (first.pid, first.thread) == (os.getpid(), threading.get_ident())
    assert first.at <= second.at


def test_events_of_one_kind_can_be_asked_for() -> None:
    with Trace() as trace:
        for key, kind in enumerate(["fetch", "collate", "fetch"]):
            trace.record(kind, key)
        assert [event.key for event in trace.events("fetch")] == [0, 2]
        assert (trace.keys(), trace.keys("collate"), trace.keys("other")) == ([0, 2], [1], [])


@pytest.mark.parametrize("method", ["fork", "forkserver"])
@pytest.mark.usefixtures("spec")
def test_several_processes_write_at_a_time_and_nothing_is_lost(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    with Trace() as trace:
        writers = [
            context.Process(target=write, args=(trace, number * EACH)) for number in range(4)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        events = trace.events()
    assert sorted(event.key for event in events) == list(range(4 * EACH))
    assert {event.pid for event in events} == {writer.pid for writer in writers}
    for writer in writers:
        own = [event for event in events if event.pid == writer.pid]
        assert [event.key for event in own] == sorted(event.key for event in own)
        assert [event.at for event in own] == sorted(event.at for event in own)


def test_the_last_event_of_a_process_that_dies_is_there() -> None:
    with Trace() as trace:
        process = multiprocessing.get_context("fork").Process(target=die, args=(trace,))
        process.start()
        process.join()
        assert trace.keys("last") == [7]


def test_one_waits_for_an_event_of_another_process() -> None:
    with Trace() as trace:
        process = multiprocessing.get_context("fork").Process(target=write, args=(trace, 0))
        process.start()
        came = trace.wait_for("fetch", [3, EACH - 1])
        process.join()
    assert came


@pytest.mark.parametrize(("kind", "keys"), [("fetch", [1, 2]), ("collate", [1])])
def test_waiting_has_an_end(kind: str, keys: list[int]) -> None:
    with Trace(patience=0.01) as trace:
        trace.record("fetch", 1)
        assert (trace.wait_for("fetch", [1]), trace.wait_for(kind, keys)) == (True, False)


def test_how_long_to_wait_can_be_said_at_once() -> None:
    with Trace() as trace:
        started = time.monotonic()
        assert not trace.wait_for("fetch", [1], timeout=0.01)
    assert time.monotonic() - started < trace.patience


def test_leaving_removes_the_file() -> None:
    with Trace() as trace:
        trace.record("fetch", 1)
        assert Path(trace.path).exists()
    assert not Path(trace.path).exists()
