"""A record of who fetched what, when and in which process, kept outside every process."""

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Event:
    """Something that a probe did to `key`; `at` is a monotonic time in seconds."""

    kind: str
    key: int
    pid: int
    thread: int
    at: float


class Trace:
    """An append-only list of events that any process may write to.

    Each event is one short line appended to a file, which the operating system does in one piece;
    so a trace can be sent to workers however they are started, and survives those that are killed.
    """

    def __init__(self) -> None:
        descriptor, self.path = tempfile.mkstemp(prefix="trace-")
        os.close(descriptor)

    def __repr__(self) -> str:
        return "Trace()"

    def record(self, kind: str, key: int) -> None:
        """Append an event of this process and thread."""
        line = f"{kind} {key} {os.getpid()} {threading.get_ident()} {time.monotonic()}\n"
        with open(self.path, "ab", buffering=0) as file:  # noqa: PTH123 - unbuffered: one write a line
            file.write(line.encode())

    def events(self, kind: str | None = None) -> list[Event]:
        """Return the events so far, in the order in which they were written."""
        rows = (line.split() for line in Path(self.path).read_text().splitlines())
        events = [
            Event(k, int(key), int(pid), int(tid), float(at)) for k, key, pid, tid, at in rows
        ]
        return [event for event in events if kind in (None, event.kind)]

    def keys(self, kind: str = "fetch") -> list[int]:
        """Return the keys of the events of one kind, in order."""
        return [event.key for event in self.events(kind)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        Path(self.path).unlink(missing_ok=True)
