"""Clocks that tell a loader's own time from that of the machine's other work.

In one process CPU time is what counts, of the whole process and not of the calling thread alone: a
loader that moves its work to a thread has not saved it. With workers it is the time that passes,
and beside it the CPU time of all processes together.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable

import psutil


def peak_bytes() -> float:
    """Return the most memory that this process has had resident so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


NOW: dict[str, Callable[[], float]] = {
    "cpu": time.process_time,
    "wall": time.perf_counter,
    "memory": peak_bytes,
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
