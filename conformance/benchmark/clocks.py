"""Clocks that tell a loader's own time from that of the machine's other work.

In one process CPU time is what counts, of the whole process and not of the calling thread alone: a
loader that moves its work to a thread has not saved it. With workers it is the time that passes,
and beside it the CPU time of all processes together.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterable

import psutil


def peak_bytes() -> float:
    """Return the most memory that this process has had resident so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def held_bytes() -> float:
    """Return what this process and its descendants hold in memory, what they share counted once."""
    return float(sum(map(_bytes_of, [os.getpid(), *descendants()])))


NOW: dict[str, Callable[[], float]] = {
    "cpu": time.process_time,
    "wall": time.perf_counter,
    "memory": peak_bytes,
    "held": held_bytes,
}


def descendants() -> list[int]:
    """Return the ids of all processes that this one has started, and theirs."""
    return [child.pid for child in psutil.Process().children(recursive=True)]


def family_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds of this process, of those that it saw end, and of these.

    What ends without this process being its parent is no longer counted.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_seconds_of, set(pids)))


def _bytes_of(pid: int) -> int:
    try:
        memory = psutil.Process(pid).memory_full_info()
        # Linux alone divides what is shared by those who share it; elsewhere it is left out.
        return int(getattr(memory, "pss", memory.uss))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def _seconds_of(pid: int) -> float:
    try:
        if sys.platform == "linux":
            # The clock of another process, as clock_getcpuclockid(3) makes it: in nanoseconds,
            # where psutil has hundredths of a second.
            return time.clock_gettime((~pid << 3) | 2)
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    except (OSError, psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
