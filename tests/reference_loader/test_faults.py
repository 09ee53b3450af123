"""What goes wrong with worker processes is told at once, in words, and nothing goes missing."""

import array
import fcntl
import os
import signal
import termios
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
import torch

from reference_loader import DataLoader
from reference_loader.crew import Crew
from tests.reference_loader.workloads import (
    Kill,
    Note,
    Raise,
    Scripted,
    ScriptedStream,
    Sleep,
    Wait,
    as_is,
    until,
)

pytestmark = pytest.mark.filterwarnings("ignore:num_workers should be at most")

PROMISED = 5  # seconds in which the death of a worker is told


class CodedError(Exception):
    """Its constructor takes what its pickle does not have."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every worker has ended with its loader, whatever happened to it."""
    yield
    assert active_children() == []


def outcomes(batches: Iterator[Any], limit: int = 100) -> list[Any]:
    """Read to the end, or until an error is told again; errors stand in the list."""
    seen: list[Any] = []
    while len(seen) < limit:
        try:
            seen.append(next(batches))
        except StopIteration:
            return seen
        except BaseException as error:
            seen.append(error.with_traceback(None))  # which would keep the iterator alive
            if len(seen) > 1 and str(seen[-2]) == str(error):
                return seen
    return seen


def kinds(seen: list[Any]) -> list[Any]:
    return [type(each) if isinstance(each, BaseException) else each for each in seen]


def members(batches: Any) -> list[Any]:
    crew: Any = batches._executor._crew
    return list(crew._members)


def unread(member: Any) -> int:
    """Return how many bytes of a worker's answers wait to be read."""
    count = array.array("i", [0])
    fcntl.ioctl(member.connection, termios.FIONREAD, count)
    return count[0]


def settled(member: Any) -> Callable[[], bool]:
    """Return a condition: the worker has sent something, and then nothing for a while."""
    seen, since = -1, 0.0

    def condition() -> bool:
        nonlocal seen, since
        now = unread(member)
        if now != seen:
            seen, since = now, time.monotonic()
        return seen > 0 and time.monotonic() - since > 0.2

    return condition


def assert_dead(batches: Iterator[Any], *words: str) -> RuntimeError:
    """Read an epoch that breaks, in time; return its error."""
    before = time.monotonic()
    seen = outcomes(batches)
    assert time.monotonic() - before < PROMISED
    error = seen[-1]
    assert type(error) is RuntimeError
    for again in (seen[-2], *outcomes(batches)):  # told again by every further call
        assert (type(again), str(again)) == (RuntimeError, str(error))
    for word in words:
        assert word in str(error)
    good = [batch for batch in seen if not isinstance(batch, BaseException)]
    assert good == list(range(len(good))), "a batch is missing or doubled before the error"
    assert active_children() == []
    return error


HOW = [
    ("SIGKILL", "was killed by SIGKILL"),
    ("SIGSEGV", "was killed by SIGSEGV"),
    (0, "exited with code 0"),
    (1, "exited with code 1"),
]


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize(("how", "words"), HOW)
def test_a_worker_that_dies_while_fetching_is_told(
    how: str | int, words: str, persistent: bool
) -> None:
    """And persistent workers are replaced for the next epoch."""
    loader: DataLoader[int] = DataLoader(
        Scripted(20, {7: Kill(how)}), None, num_workers=2, persistent_workers=persistent
    )
    for _ in range(2):
        batches = iter(loader)
        pid = members(batches)[1].process.pid
        assert_dead(batches, f"worker 1 (pid {pid}) {words} before", "iter(loader) starts new")


@pytest.mark.parametrize(("how", "words"), HOW)
def test_a_worker_that_dies_at_its_start_is_told(how: str | int, words: str) -> None:
    loader: DataLoader[int] = DataLoader(
        range(9), None, num_workers=2, worker_init_fn=Kill(how), persistent_workers=True
    )
    for _ in range(2):
        assert_dead(iter(loader), words)


@pytest.mark.parametrize("started", [False, True])
def test_a_worker_that_is_killed_while_sending_is_told(started: bool) -> None:
    """Its batch, cut off in the middle, is never delivered."""
    big = torch.zeros(5_000_000)
    loader: DataLoader[Any] = DataLoader([big] * 9, None, num_workers=2, collate_fn=as_is)
    batches = iter(loader)
    if started:
        next(batches)
    crew = members(batches)
    until(lambda: any(map(unread, crew)))  # the rest of the frame does not fit
    victim = next(filter(unread, crew))
    os.kill(victim.process.pid, signal.SIGKILL)
    seen = outcomes(batches)
    assert all(batch.equal(big) for batch in seen[:-2])
    assert f"worker {victim.number}" in str(seen[-1])


def test_a_worker_that_is_killed_while_idle_has_delivered_what_it_had_done() -> None:
    batches = iter(DataLoader(range(20), None, num_workers=2, collate_fn=as_is))
    for member in members(batches):
        until(settled(member))
    os.kill(members(batches)[0].process.pid, signal.SIGKILL)
    members(batches)[0].process.join()
    seen = outcomes(batches)
    assert seen[:3] == [0, 1, 2]
    assert "worker 0" in str(seen[-1])


def test_a_worker_that_is_killed_when_all_is_done_is_missed_by_nobody() -> None:
    batches = iter(DataLoader(range(4), None, num_workers=2, collate_fn=as_is))
    for member in members(batches):
        until(settled(member))
        os.kill(member.process.pid, signal.SIGKILL)
    assert outcomes(batches) == [0, 1, 2, 3]


def test_persistent_workers_killed_between_epochs_are_replaced() -> None:
    loader: DataLoader[int] = DataLoader(
        range(4), None, num_workers=2, collate_fn=as_is, persistent_workers=True
    )
    batches = iter(loader)
    victim = members(batches)[1].process
    list(batches)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    assert list(loader) == [0, 1, 2, 3]


def test_a_death_is_told_also_outside_the_main_thread() -> None:
    loader: DataLoader[int] = DataLoader(Scripted(9, {3: Kill(0)}), None, num_workers=2)
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.extend(outcomes(iter(loader))))
    thread.start()
    thread.join(PROMISED)
    assert "exited with code 0" in str(seen[-1])


def test_a_death_is_told_even_if_a_process_of_the_worker_lives_on(tmp_path: Path) -> None:
    """The child has inherited all that shows the worker's end, except its being its parent."""
    mark = tmp_path / "child"

    def orphan() -> None:
        if os.fork() == 0:
            mark.write_text(str(os.getpid()))
            time.sleep(60)
            os._exit(0)
        until(mark.exists)
        os._exit(7)

    assert_dead(iter(DataLoader(Scripted(4, {1: orphan}), None, num_workers=2)), "code 7")
    os.kill(int(mark.read_text()), signal.SIGKILL)


def test_with_arrival_order_a_death_is_told_and_nothing_comes_twice() -> None:
    loader: DataLoader[int] = DataLoader(
        Scripted(20, {7: Kill("SIGKILL")}), None, num_workers=2, in_order=False
    )
    seen = outcomes(iter(loader))
    good = [batch for batch in seen if isinstance(batch, int)]
    assert len(set(good)) == len(good)
    assert 7 not in good
    assert "SIGKILL" in str(seen[-1])


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_an_error_is_raised_at_its_turn_and_every_other_batch_comes_once(
    workers: int, in_order: bool
) -> None:
    loader: DataLoader[int] = DataLoader(
        Scripted(9, {3: Raise(OSError("disk")), 4: Raise(StopIteration())}),
        None,
        num_workers=workers,
        in_order=in_order,
    )
    seen = kinds(outcomes(iter(loader)))
    if in_order:
        assert seen == [0, 1, 2, OSError, RuntimeError, 5, 6, 7, 8]
    else:
        assert sorted(map(str, seen)) == sorted(
            map(str, [0, 1, 2, OSError, RuntimeError, 5, 6, 7, 8])
        )


def test_an_error_says_which_worker_and_keeps_type_words_trace_and_attributes() -> None:
    error = CodedError(404, reason="gone")
    batches = iter(DataLoader(Scripted(9, {1: Raise(error)}), None, num_workers=2))
    pid = members(batches)[1].process.pid
    arrived = outcomes(batches)[1]
    assert type(arrived) is CodedError
    assert arrived.code == 404
    assert str(arrived).startswith(f"404: gone\n\nCodedError in worker 1 (pid {pid}):\n\n")
    assert "workloads.py" in str(arrived)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_failing_worker_init_fn_fails_every_batch_of_every_epoch(persistent: bool) -> None:
    loader: DataLoader[int] = DataLoader(
        range(5),
        None,
        num_workers=2,
        worker_init_fn=Raise(OSError("init")),
        persistent_workers=persistent,
    )
    for _ in range(2):
        seen = outcomes(iter(loader))
        assert kinds(seen) == [OSError] * 5
        assert len({len(str(error)) for error in seen}) == 1  # the trace does not grow


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("init", [Raise(OSError("init")), None])
def test_a_stream_that_cannot_be_opened_fails_once_per_worker_and_epoch(
    init: Any, persistent: bool
) -> None:
    actions = {} if init else {-1: Raise(OSError("open"))}
    loader: DataLoader[int] = DataLoader(
        ScriptedStream(5, actions),
        None,
        num_workers=2,
        worker_init_fn=init,
        persistent_workers=persistent,
    )
    for _ in range(2):
        assert kinds(outcomes(iter(loader))) == [OSError, OSError]


def test_a_stream_that_breaks_has_ended_and_the_others_go_on() -> None:
    loader: DataLoader[int] = DataLoader(
        ScriptedStream(3, {1: Raise(OSError("disk"))}), None, num_workers=2
    )
    assert kinds(outcomes(iter(loader))) == [0, 0, OSError, OSError]


def test_a_batch_that_cannot_be_pickled_fails_at_its_turn() -> None:
    def collate(sample: int) -> Any:
        return threading.Lock() if sample == 2 else sample

    seen = outcomes(iter(DataLoader(range(5), None, num_workers=2, collate_fn=collate)))
    assert kinds(seen) == [0, 1, TypeError, 3, 4]
    assert str(seen[2]).startswith(
        "a batch must be picklable to leave its worker, "
        """got TypeError("cannot pickle '_thread.lock' object"); """
        "return tensors, arrays and plain containers, or use num_workers=0"
    )


class Unrebuildable:
    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_a_batch_that_cannot_be_unpickled_fails_at_its_turn() -> None:
    def collate(sample: int) -> Any:
        return Unrebuildable() if sample == 2 else sample

    seen = outcomes(iter(DataLoader(range(5), None, num_workers=2, collate_fn=collate)))
    assert kinds(seen) == [0, 1, RuntimeError, 3, 4]
    assert isinstance(seen[2].__cause__, ValueError)


def test_a_key_that_cannot_be_pickled_fails_at_its_turn() -> None:
    keys = [0, 1, threading.Lock(), 3]
    seen = outcomes(iter(DataLoader(range(5), None, sampler=keys, num_workers=2)))
    assert kinds(seen) == [0, 1, TypeError, 3]


def test_a_failing_sampler_loses_no_batch_and_raises_at_its_turn() -> None:
    def keys() -> Iterator[int]:
        yield from (0, 1, 2)
        raise OSError("sampler")

    class Sampler:
        def __iter__(self) -> Iterator[int]:
            return keys()

    for in_order in (True, False):
        loader: DataLoader[int] = DataLoader(
            range(9), None, sampler=Sampler(), num_workers=2, in_order=in_order
        )
        seen = kinds(outcomes(iter(loader)))
        assert sorted(seen[:3]) == [0, 1, 2]
        assert seen[3:] == [OSError]


def test_a_wait_beyond_the_timeout_ends_the_epoch(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    loader: DataLoader[int] = DataLoader(
        Scripted(9, {1: wait}), None, num_workers=2, timeout=0.5, persistent_workers=True
    )
    batches = iter(loader)
    assert next(batches) == 0
    until(wait.begun.exists)
    error = assert_dead_after_first(batches)
    assert str(error) == (
        "a batch must arrive within timeout=0.5 seconds, got none; the workers were ended; "
        "use a longer timeout, or timeout=0 to wait without limit"
    )
    wait.go_on.touch()
    assert list(loader) == list(range(9))


def assert_dead_after_first(batches: Iterator[Any]) -> Any:
    seen = outcomes(batches)
    assert len(seen) == 2
    assert kinds(seen) == [RuntimeError, RuntimeError]
    assert str(seen[0]) == str(seen[1])
    assert active_children() == []
    return seen[0]


def test_the_timeout_counts_the_wait_of_one_next_only() -> None:
    loader: DataLoader[int] = DataLoader(range(3), None, num_workers=1, timeout=5)
    batches = iter(loader)
    until(settled(members(batches)[0]))
    assert list(batches) == [0, 1, 2]


def test_an_interrupt_while_waiting_ends_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Crew._wait

    def interrupted(crew: Crew, deadline: float) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        wait(crew, deadline)

    monkeypatch.setattr(Crew, "_wait", interrupted)
    batches = iter(DataLoader(Scripted(4, {0: Wait(tmp_path)}), None, num_workers=2))
    with pytest.raises(KeyboardInterrupt):
        next(batches)
    assert active_children() == []
    with pytest.raises(RuntimeError, match=r"cannot go on after KeyboardInterrupt\(\)"):
        next(batches)


def test_ctrl_c_does_not_reach_the_workers(tmp_path: Path) -> None:
    note = Note(tmp_path)
    loader: DataLoader[int] = DataLoader(
        range(20), None, num_workers=2, collate_fn=as_is, worker_init_fn=note
    )
    batches = iter(loader)
    until(lambda: note.calls() == 2)
    for member in members(batches):
        os.kill(member.process.pid, signal.SIGINT)
    assert list(batches) == list(range(20))


def test_a_worker_may_not_start_workers() -> None:
    class Nested:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, key: int) -> Any:
            return list(DataLoader(range(2), num_workers=1))

    seen = outcomes(iter(DataLoader(Nested(), None, num_workers=1)))
    assert kinds(seen) == [RuntimeError] * 2
    assert str(seen[0]).startswith(
        "a daemonic process, such as a worker, may not start workers, got num_workers=1 in one; "
        "use num_workers=0 there"
    )


def test_nothing_of_a_slow_worker_is_waited_for_longer_than_its_grace() -> None:
    """Four of them take no longer than one: well below what each would take."""
    loader: DataLoader[int] = DataLoader(
        Scripted(20, dict.fromkeys(range(1, 20), Sleep(60))), None, num_workers=4
    )
    batches = iter(loader)
    next(batches)
    before = time.monotonic()
    del batches
    assert time.monotonic() - before < PROMISED
    assert active_children() == []


def test_init_is_called_once_a_worker(tmp_path: Path) -> None:
    note = Note(tmp_path)
    loader: DataLoader[int] = DataLoader(
        range(4), None, num_workers=2, worker_init_fn=note, persistent_workers=True
    )
    for _ in range(3):
        list(loader)
    assert note.calls() == 2
