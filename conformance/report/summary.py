"""What a report amounts to: counts, always out of something, and whether a loader conforms."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.outcome import Outcome, Result
from conformance.report.jsonl import Report
from conformance.requirement import Basis, Level

ACCEPTED = (Outcome.PASSED, Outcome.KNOWN, Outcome.DOCUMENTED)


@dataclass(frozen=True)
class Score:
    """How many of the requirements that apply were met; `asked` leaves out the unsupported."""

    passed: int
    asked: int

    def __str__(self) -> str:
        return f"{self.passed} of {self.asked}"


@dataclass(frozen=True)
class Summary:
    """One loader's results, counted."""

    counts: Counter[Outcome]
    must: Score
    should: Score
    documents: Score
    practice: Score
    conforms: bool

    @property
    def defects(self) -> int:
        """How many requirements are not met, known or not, and not documented otherwise."""
        broken = sum(count for outcome, count in self.counts.items() if outcome.broken)
        return broken + self.counts[Outcome.KNOWN]

    @property
    def accepted(self) -> int:
        """How many requirements are not met and do not count, being known or documented so."""
        return self.counts[Outcome.KNOWN] + self.counts[Outcome.DOCUMENTED]

    @property
    def verdict(self) -> str:
        """The summary's last word."""
        if self.conforms:
            aside = {
                "known deviations": self.counts[Outcome.KNOWN],
                "documented otherwise": self.counts[Outcome.DOCUMENTED],
            }
            but = " and ".join(f"{count} {what}" for what, count in aside.items() if count)
            return f"conforms, but for {but}" if but else "conforms"
        asked = self.must.asked + self.should.asked
        return "does not conform" if asked else "was not judged: nothing applies to it"


def summarise(results: Sequence[Result], *, strict: bool = False) -> Summary:
    """Count one loader's results.

    A loader conforms if something applies to it, and every binding requirement that does is met or
    known not to be; `strict` binds it to SHOULD as well.
    """
    asked = [result for result in results if result.outcome is not Outcome.UNSUPPORTED]
    binding = [result for result in asked if strict or Level(result.level).binding]
    return Summary(
        counts=Counter(result.outcome for result in results),
        must=_score([r for r in asked if Level(r.level).binding]),
        should=_score([r for r in asked if not Level(r.level).binding]),
        documents=_score([r for r in asked if r.basis == Basis.DOCUMENTS]),
        practice=_score([r for r in asked if r.basis == Basis.PRACTICE]),
        conforms=bool(asked)
        and all(result.outcome in ACCEPTED for result in binding)
        and not any(result.outcome is Outcome.UNEXPECTED_PASS for result in asked),
    )


def closing_line(results: Sequence[Result]) -> str:
    """Return the counts over all loaders, as test runners end."""
    counts = Counter(result.outcome for result in results)
    passed = counts[Outcome.PASSED]
    aside = counts[Outcome.UNSUPPORTED] + counts[Outcome.KNOWN] + counts[Outcome.DOCUMENTED]
    return f"{passed} passed, {len(results) - passed - aside} failed, {aside} skipped"


def notes(report: Report) -> list[str]:
    """Return what a reader has to know before trusting the counts: what is missing or mixed."""
    said = []
    if not report.footer.get("complete"):
        said.append("The run was not finished: what is missing was not judged.")
    for loader in report.header["loaders"]:
        here, missing = loader.get("shards", []), missing_shards(loader.get("shards", []))
        if missing:
            said.append(
                f"{loader['name']}: of its shards {', '.join(here)} is here; "
                f"{', '.join(missing)} is missing."
            )
    mixed = report.header.get("mixed", [])
    return said + [f"Merged although they do not belong together: {text}." for text in mixed]


def missing_shards(shards: Iterable[str]) -> list[str]:
    """Return the shards, as `i/n`, that these lack to be whole; no shard at all is whole."""
    here = list(shards)
    counts = dict.fromkeys(count for _, _, count in (shard.partition("/") for shard in here))
    whole = [f"{i}/{n}" for n in counts if n.isdecimal() for i in range(1, int(n) + 1)]
    return [shard for shard in whole if shard not in here]


def _score(asked: Sequence[Result]) -> Score:
    return Score(sum(result.outcome is Outcome.PASSED for result in asked), len(asked))
