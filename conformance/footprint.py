"""What a process holds of its system: processes, threads, descriptors, shared memory.

Two footprints, one before and one after, tell what was left behind.
"""

import gc
import multiprocessing
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from conformance.processes import until

HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
SHARED = ("/dev/shm/", "/memfd:")  # with a name, and without


def footprint() -> frozenset[str]:
    """Return what this process holds now, each thing in words that name it.

    The two processes that the standard library starts once for all are not counted.
    """
    gc.collect()
    return _held()


def left_since(before: Iterable[str], seconds: float = 5.0) -> list[str]:
    """Return what this process holds that it did not hold before, once that stays so.

    What disappears in so many seconds is not counted: ending takes its time.
    """
    known = frozenset(before)
    gc.collect()
    until(lambda: _held() <= known, seconds)
    return sorted(_held() - known)


def _held() -> frozenset[str]:
    multiprocessing.active_children()  # takes leave of those that have ended
    return frozenset([*_processes(), *_threads(), *_descriptors(), *_shared_memory()])


def _processes() -> Iterable[str]:
    for child in psutil.Process().children(recursive=True):
        try:
            if not any(helper in " ".join(child.cmdline()) for helper in HELPERS):
                yield f"process {child.pid}"
        except psutil.ZombieProcess:
            yield f"process {child.pid}, ended and not waited for"
        except psutil.NoSuchProcess:
            continue


def _threads() -> Iterable[str]:
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    for thread in psutil.Process().threads():
        yield f"thread {thread.id} {names.get(thread.id, 'of no Python code')}"


def _descriptors() -> Iterable[str]:
    for file in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone
            os.fstat(int(file.name))
            yield f"descriptor {file.name}"


def _shared_memory() -> Iterable[str]:
    # What is in the folder and mapped by nobody may be of any process, so it tells nothing.
    maps = Path("/proc/self/maps")
    for line in maps.read_text().splitlines() if maps.exists() else ():
        _, _, _, _, inode, *path = line.split(maxsplit=5)
        if path and path[0].startswith(SHARED):
            yield f"shared memory {path[0].removesuffix(' (deleted)')} ({inode})"
