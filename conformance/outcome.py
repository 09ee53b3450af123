"""What became of a requirement, and what there is to show for it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The nine ways in which judging one requirement on one loader can end."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASH = "crash"
    KNOWN = "known"
    DOCUMENTED = "documented otherwise"
    UNEXPECTED_PASS = "unexpected pass"

    @property
    def broken(self) -> bool:
        """Whether the loader was not seen to do what was required of it."""
        return self in (Outcome.FAILED, Outcome.ERROR, Outcome.TIMEOUT, Outcome.CRASH)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check and, where it did not pass, what shows it.

    Attributes:
        outcome: how it ended.
        message: why, in a line.
        asked: the request that was made last, as a call.
        example: the arguments that Hypothesis found and shrank, as source text.
        came: what the check observed, by the names it gave to it.
        observations: choices made by the loader that the documents leave open.
        script: a program that shows the failure with the loader alone.
        traceback: where it happened, if an exception tells.
        output: the last of what was printed meanwhile.
        seconds: how long judging took.

    """

    outcome: Outcome
    message: str = ""
    asked: str = ""
    example: dict[str, str] = field(default_factory=dict)
    came: dict[str, str] = field(default_factory=dict)
    observations: tuple[str, ...] = ()
    script: str = ""
    traceback: str = ""
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """A verdict with what it was about: everything that a report needs to know of it."""

    loader: str
    requirement: str
    chapter: str
    level: str
    basis: str
    sentence: str
    source: tuple[str, ...]
    verdict: Verdict
    known: str = ""
    documented: bool = False  # whether what is known is the library's intention, not a defect
    link: str = ""  # where what is known can be read

    @property
    def outcome(self) -> Outcome:
        """The verdict's outcome, seen against what is known of the loader."""
        if not self.known or self.verdict.outcome is Outcome.UNSUPPORTED:
            return self.verdict.outcome
        if self.verdict.outcome is Outcome.PASSED:
            return Outcome.UNEXPECTED_PASS
        return Outcome.DOCUMENTED if self.documented else Outcome.KNOWN

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the result in a report."""
        return (self.loader, self.requirement)


Json = dict[str, Any]


def printable(text: str) -> str:
    """Return text with what could command a terminal, or cannot be encoded, spelled out."""
    return re.sub(r"[^\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\U0010ffff]", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
