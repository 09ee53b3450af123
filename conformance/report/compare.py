"""What changes between two reports: an upgrade of one loader, or a move to another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.catalogue import nearest
from conformance.errors import UsageError
from conformance.outcome import Outcome, Result
from conformance.report.jsonl import Report
from conformance.report.merge import EQUAL
from conformance.requirement import Level


@dataclass(frozen=True)
class Change:
    """A requirement on which two reports differ; `None` where one of them did not judge it."""

    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """Either of the two, for what they share."""
        result = self.after or self.before
        assert result is not None
        return result

    @property
    def breaks(self) -> bool:
        """Whether a promise that was kept is broken now, or can no longer be seen to be kept."""
        return _kept(self.before) and not _kept(self.after)

    @property
    def mends(self) -> bool:
        """Whether a promise is kept that was not before."""
        return not _kept(self.before) and _kept(self.after)

    @property
    def why(self) -> str:
        """What is known of the breach, or was seen of it; nothing if it is not one."""
        if not self.breaks or self.after is None:
            return ""
        return self.after.known or self.after.verdict.message

    def __str__(self) -> str:
        chosen = ""
        if _outcome(self.before) == _outcome(self.after):
            chosen = f" ({_choices(self.before)} -> {_choices(self.after)})"
        return (
            f"{self.result.chapter}.{self.result.requirement}: "
            f"{_outcome(self.before)} -> {_outcome(self.after)}{chosen}"
        )


def compare(before: Report, after: Report) -> list[Change]:
    """Return what differs, in the order of the reports.

    Loaders of the same name are compared; where each report is of a single loader, those two are.

    Raises:
        UsageError: the reports have no loader in common.

    """
    changes = []
    for old_name, new_name in paired(before, after):
        old, new = _by_requirement(before.of(old_name)), _by_requirement(after.of(new_name))
        for name in dict.fromkeys([*old, *new]):
            change = Change(old.get(name), new.get(name))
            if _outcome(change.before) != _outcome(change.after) or (
                _choices(change.before) != _choices(change.after)
            ):
                changes.append(change)
    return changes


def paired(before: Report, after: Report) -> list[tuple[str, str]]:
    """Return the names of the loaders that are compared with each other.

    Raises:
        UsageError: the reports have no loader in common.

    """
    if len(before.loaders) == len(after.loaders) == 1:
        return [(before.loaders[0], after.loaders[0])]
    pairs = [(name, name) for name in before.loaders if name in after.loaders]
    if not pairs:
        raise UsageError(
            f"the reports have no loader in common ({', '.join(before.loaders)} and "
            f"{', '.join(after.loaders)}); compare reports of one loader each"
        )
    return pairs


def circumstances(before: Report, after: Report) -> list[str]:
    """Return what is compared with what, and what besides the loaders may be why it differs."""
    old, new = _versions(before), _versions(after)
    said = [f"{old[one]} -> {new[other]}" for one, other in paired(before, after)]
    for key in (*EQUAL, "torch", "python"):
        values = [str(report.header.get(key, "unknown")) for report in (before, after)]
        if values[0] != values[1]:
            judged = "; a difference may be due to that" if key in EQUAL else ""
            said.append(f"{key} {values[0]} -> {values[1]}{judged}")
    for report, which in ((before, "first"), (after, "second")):
        if not report.footer.get("complete"):
            said.append(f"the {which} run was not finished: what is missing was not judged")
    return said


def of_one_loader(report: Report, loader: str) -> Report:
    """Return what a report says of one of its loaders.

    Raises:
        UsageError: it says nothing of it.

    """
    if loader not in report.loaders:
        raise UsageError(f"the report has no loader {loader!r}; {nearest(loader, report.loaders)}")
    header = {
        **report.header,
        "loaders": [about for about in report.header["loaders"] if about["name"] == loader],
    }
    return replace(report, header=header, results=report.of(loader))


def by_danger(
    changes: Sequence[Change], harms: Mapping[str, str]
) -> list[tuple[str, list[Change]]]:
    """Return the changes under headings, the most dangerous first; no heading without any.

    Under one heading what binds comes before what is recommended. What is not offered any more
    comes behind what is done otherwise: it is noticed at once.

    Args:
        changes: what differs.
        harms: what is at stake, by requirement, the most dangerous first (`Catalogue.harms`).

    """
    groups: dict[str, list[Change]] = {}
    for harm in dict.fromkeys(harms.values()):
        groups[f"no longer kept ({harm})"] = []
    for title in ("", ", for it is not offered", ", for it was not judged"):
        groups[f"no longer kept{title}"] = []
    groups |= {"kept now": [], "otherwise changed": []}
    for change in sorted(changes, key=lambda change: not Level(change.result.level).binding):
        groups[_heading(change, harms)].append(change)
    return [(title, group) for title, group in groups.items() if group]


def _versions(report: Report) -> dict[str, str]:
    return {
        each["name"]: f"{each['name']} {each['version']}".strip()
        for each in report.header["loaders"]
    }


def _heading(change: Change, harms: Mapping[str, str]) -> str:
    if not change.breaks:
        return "kept now" if change.mends else "otherwise changed"
    if change.after is None:
        return "no longer kept, for it was not judged"
    if change.after.outcome is Outcome.UNSUPPORTED:
        return "no longer kept, for it is not offered"
    harm = harms.get(change.result.requirement)
    return f"no longer kept ({harm})" if harm else "no longer kept"


def _by_requirement(results: Iterable[Result]) -> dict[str, Result]:
    return {result.requirement: result for result in results}


def _kept(result: Result | None) -> bool:
    return result is not None and result.verdict.outcome is Outcome.PASSED


def _outcome(result: Result | None) -> str:
    if result is None:
        return "not judged"
    # That nobody expected it is about a list of what is known, not about the loader.
    return Outcome.PASSED if result.outcome is Outcome.UNEXPECTED_PASS else result.outcome


def _choices(result: Result | None) -> str:
    return ", ".join(result.verdict.observations) if result else ""
