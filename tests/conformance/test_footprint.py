"""What a process holds: all that was left behind is told, and nothing else."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory

import pytest
import torch

from conformance.footprint import footprint, left_since


def a_thread() -> Callable[[], object]:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="left behind", daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    return end


def a_process() -> Callable[[], object]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def end() -> None:
        process.kill()
        process.wait()

    return end


def a_descriptor() -> Callable[[], object]:
    descriptor = os.dup(1)
    return lambda: os.close(descriptor)


def shared_memory() -> Callable[[], object]:
    memory = SharedMemory(create=True, size=64)

    def end() -> None:
        memory.close()
        memory.unlink()

    return end


def shared_memory_without_a_name() -> Callable[[], object]:
    descriptor = os.memfd_create("left")
    os.truncate(descriptor, 4096)
    mapped = torch.from_file(f"/proc/self/fd/{descriptor}", shared=True, size=4096)
    os.close(descriptor)
    held = [mapped]
    return held.clear


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (a_thread, "left behind"),
        (a_process, "process "),
        (a_descriptor, "descriptor "),
        (shared_memory, "shared memory "),
        pytest.param(
            shared_memory_without_a_name,
            "shared memory /memfd:left",
            marks=pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux alone has it"),
        ),
    ],
)
def test_what_is_left_behind_is_told(leave: Callable[[], Callable[[], object]], told: str) -> None:
    leave()()  # the library may set something up once for all
    before = footprint()
    end = leave()
    left = left_since(before, 0.05)
    end()
    assert [told in thing for thing in left].count(True) == 1
    assert left_since(before) == []


def test_what_goes_in_time_is_not_left_behind() -> None:
    before = footprint()
    end = a_thread()
    assert footprint() - before
    threading.Timer(0.1, end).start()
    assert left_since(before, 10) == []


def test_garbage_is_not_held() -> None:
    before = footprint()
    ring: list[object] = [open(os.devnull)]  # noqa: PTH123, SIM115 - to be left open
    ring.append(ring)
    del ring
    with pytest.warns(ResourceWarning):
        assert left_since(before, 0) == []
