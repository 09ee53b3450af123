"""Workers live as long as somebody iterates, and leave nothing behind, however that ends."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
import torch

from reference_loader import DataLoader
from tests.reference_loader.workloads import Scripted, Sleep, Wait, as_is, pid, until

PROMISED = 5  # seconds


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()  # an error that a test has caught keeps its frames in a cycle
    assert active_children() == []


def held() -> tuple[int, int]:
    """Count the descriptors that this process holds, also of shared memory, and its threads."""
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def gone(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"  # ended, if nobody asked how


def run(script: str, *arguments: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_workers_start_with_the_epoch_all_of_them_and_end_before_stop_iteration() -> None:
    loader: DataLoader[int] = DataLoader(range(3), None, num_workers=2, collate_fn=as_is)
    assert active_children() == []
    batches = iter(loader)
    assert len(active_children()) == 2
    assert [next(batches), next(batches), next(batches)] == [0, 1, 2]
    assert len(active_children()) == 2
    assert next(batches, "end") == "end"
    assert active_children() == []


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_end_with_a_loader_that_is_left_in_any_way(persistent: bool) -> None:
    def loader() -> DataLoader[int]:
        return DataLoader(range(50), None, num_workers=2, persistent_workers=persistent)

    def broken_off() -> None:
        for _ in loader():
            break

    def failed() -> None:
        with suppress(ZeroDivisionError):
            for _ in loader():
                _ = 1 / 0

    def deleted() -> None:
        batches = iter(loader())
        next(batches)
        del batches

    def never_read() -> None:
        iter(loader())

    for leave in (broken_off, failed, deleted, never_read):
        leave()
        gc.collect()
        assert active_children() == [], leave.__name__


def test_an_iterator_outlives_its_loader() -> None:
    batches = iter(DataLoader(range(9), None, num_workers=2, persistent_workers=True))
    gc.collect()
    assert list(batches) == list(range(9))
    del batches


def test_persistent_workers_stay_and_others_do_not() -> None:
    def pids(persistent: bool) -> list[set[int]]:
        loader: DataLoader[int] = DataLoader(
            range(6), None, num_workers=2, collate_fn=pid, persistent_workers=persistent
        )
        return [set(loader) for _ in range(3)]

    first, second, third = pids(persistent=True)
    assert first == second == third
    assert len(first) == 2
    assert len(set.union(*pids(persistent=False))) == 6


def test_fresh_workers_see_the_dataset_as_it_is_and_persistent_ones_as_it_was() -> None:
    for persistent, expected in ((False, [10, 1]), (True, [0, 1])):
        dataset = [0, 1]
        loader: DataLoader[int] = DataLoader(
            dataset, None, num_workers=1, persistent_workers=persistent
        )
        list(loader)
        dataset[0] = 10
        assert list(loader) == expected


def test_many_loaders_leave_nothing_behind() -> None:
    def one(kind: int) -> None:
        loader: DataLoader[Any] = DataLoader(
            [torch.zeros(100_000)] * 6, 2, num_workers=2, persistent_workers=kind == 1
        )
        batches = iter(loader)
        next(batches)
        if kind == 2:
            list(batches)

    for kind in range(3):
        one(kind)
    before = held()
    for number in range(30):
        one(number % 3)
    assert held() == before


def test_a_held_batch_costs_no_descriptor_and_is_never_overwritten() -> None:
    loader: DataLoader[Any] = DataLoader(range(200), 2, num_workers=2)
    batches = iter(loader)
    kept = [next(batches)]
    before = held()
    kept += [batch for _, batch in zip(range(98), batches, strict=False)]
    assert held() == before
    assert [batch.tolist() for batch in kept] == [[2 * n, 2 * n + 1] for n in range(99)]


def test_a_buffer_that_the_dataset_uses_again_is_not_overwritten_on_its_way() -> None:
    class Reusing:
        def __init__(self) -> None:
            self.buffer = torch.zeros(300_000)

        def __len__(self) -> int:
            return 12

        def __getitem__(self, key: int) -> torch.Tensor:
            return self.buffer.fill_(key)

    loader: DataLoader[Any] = DataLoader(Reusing(), None, num_workers=2)
    assert [batch.unique().tolist() for batch in loader] == [[key] for key in range(12)]


def test_iterators_of_fresh_workers_are_independent() -> None:
    loader: DataLoader[int] = DataLoader(range(3), None, num_workers=1)
    pairs = [(one, other) for one in loader for other in loader]
    assert pairs == [(one, other) for one in range(3) for other in range(3)]


def test_a_new_iterator_of_persistent_workers_ends_the_one_before() -> None:
    loader: DataLoader[int] = DataLoader(range(9), None, num_workers=2, persistent_workers=True)
    old = iter(loader)
    assert next(old) == 0
    new = iter(loader)
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            next(old)
        assert str(caught.value) == (
            "persistent workers serve one iterator at a time, got another iter(loader) before the "
            "end of this one; use persistent_workers=False, or a loader for each"
        )
    assert list(new) == list(range(9))
    assert list(loader) == list(range(9))
    assert next(new, "end") == "end"


def test_a_forked_process_leaves_the_workers_alone() -> None:
    """It is told that the iterator is not its own, and its end ends no worker."""
    loader: DataLoader[int] = DataLoader(
        range(40), None, num_workers=2, persistent_workers=True, collate_fn=as_is
    )
    batches = iter(loader)
    seen = [next(batches)]
    child = os.fork()
    if child == 0:
        told = new = False
        try:
            list(batches)
        except RuntimeError as error:
            told = "belongs to the process that made it" in str(error)
        new = list(loader) == list(range(40))
        del batches, loader
        gc.collect()
        os._exit(0 if told and new else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert seen + list(batches) == list(range(40))


PROGRAM = """
import sys, time
from pathlib import Path
import torch
from reference_loader import DataLoader
from tests.reference_loader.workloads import Scripted, Sleep, Wait, as_is, until

def start(dataset):
    loader = DataLoader(dataset, None, num_workers=2, persistent_workers=True, collate_fn=as_is)
    return loader, iter(loader)
"""


def test_a_program_ends_at_once_in_the_midst_of_an_epoch(tmp_path: Path) -> None:
    """Though one worker is busy for long and the other is idle; and it prints nothing."""
    script = """
wait = Wait(Path(sys.argv[1]))
loader, batches = start(Scripted(9, {1: wait}))
next(batches)
until(wait.begun.exists)
print(time.monotonic())
"""
    program = run(PROGRAM + script, tmp_path)
    out, err = program.communicate(timeout=60)
    assert time.monotonic() - float(out) < PROMISED
    assert (program.returncode, err) == (0, "")


def test_workers_end_when_the_program_is_killed(tmp_path: Path) -> None:
    """Whether they wait for work, wait to be rid of a batch, or are busy for long."""
    script = """
idle, batches = start([0] * 4)
list(batches)
sending, unread = start([torch.zeros(9_000_000)] * 9)
wait = Wait(Path(sys.argv[1]))
fetching, others = start(Scripted(9, {0: wait, 1: Sleep(60)}))
until(wait.begun.exists)
crews = [loader._standing.crew for loader in (idle, sending, fetching)]
print(*[member.process.pid for crew in crews for member in crew._members], flush=True)
time.sleep(60)
"""
    program = run(PROGRAM + script, tmp_path)
    assert program.stdout is not None
    workers = [int(each) for each in program.stdout.readline().split()]
    assert len(workers) == 6
    program.send_signal(signal.SIGKILL)
    program.communicate(timeout=60)
    until(lambda: all(map(gone, workers)), PROMISED)


def test_busy_workers_are_ended_without_being_waited_for(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    loader: DataLoader[int] = DataLoader(
        Scripted(9, {0: wait, 1: Sleep(60)}), None, num_workers=2, persistent_workers=True
    )
    batches = iter(loader)
    until(wait.begun.exists)
    before = time.monotonic()
    del loader, batches
    assert time.monotonic() - before < PROMISED
