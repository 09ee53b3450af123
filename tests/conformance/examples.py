"""Results and reports, made up."""

from typing import Any

from conformance.outcome import Outcome, Result, Verdict
from conformance.report.jsonl import Report
from conformance.requirement import Check, Requirement, requirement


def lawful(check: Check) -> Requirement:
    """Make a requirement of any check."""
    check.__doc__ = "It MUST.\n\nWhy."
    return requirement(claims=["D1-001"])(check)


def result(
    outcome: Outcome = Outcome.PASSED,
    requirement: str = "some_requirement",
    *,
    loader: str = "one",
    level: str = "MUST",
    basis: str = "documents",
    known: str = "",
    documented: bool = False,
    link: str = "",
    **verdict: Any,
) -> Result:
    """Return a result; unknown keywords are the verdict's."""
    return Result(
        loader=loader,
        requirement=requirement,
        chapter="order",
        level=level,
        basis=basis,
        sentence=f"A loader {level} do it.",
        source=("D1-001",),
        verdict=Verdict(outcome, **verdict),
        known=known,
        documented=documented,
        link=link,
    )


def report(*results: Result, complete: bool = True, pending: int = 0) -> Report:
    """Return a report of these results."""
    return Report(header_of(*results, pending=pending), results, {"complete": complete})


def header_of(*results: Result, pending: int = 0) -> dict[str, Any]:
    """Return a header for these results."""
    loaders = dict.fromkeys(result.loader for result in results)
    return {
        "suite": "0.1",
        "python": "3.11",
        "torch": "2.9",
        "seed": 0,
        "examples": 50,
        "deadline": 30.0,
        "pending": [f"D1-{number:03}" for number in range(pending)],
        "loaders": [{"name": name, "version": "1.0", "capabilities": []} for name in loaders],
    }
