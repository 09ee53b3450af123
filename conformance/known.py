"""Accepted deviations: what an author gates CI on today, to improve tomorrow."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from conformance.catalogue import Catalogue
from conformance.errors import UsageError
from conformance.outcome import Outcome, Result

HEAD = """\
# Accepted deviations. A deviation that is not listed here fails the run, and so does one that is
# listed and no longer happens. Say in `reason` why it is accepted.
"""


def read_known(path: Path, subjects: Catalogue) -> dict[tuple[str, str], str]:
    """Return the reasons by loader and requirement.

    Raises:
        UsageError: the file cannot be read, an entry is incomplete, or its requirement is unknown.

    """
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("known", [])
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            raise UsageError(f"{path}: known must be tables, each headed [[known]]")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the known deviations {path} cannot be read: {error}") from error
    known = {}
    for number, entry in enumerate(entries, 1):
        for key in ("loader", "requirement", "reason"):
            if not entry.get(key):
                raise UsageError(f"{path}: entry {number} of [[known]] has no {key}; add it")
            if not isinstance(entry[key], str):
                raise UsageError(f"{path}: {key} in entry {number} of [[known]] must be a text")
        try:
            requirement = subjects.get(entry["requirement"])
        except UsageError as error:
            raise UsageError(f"{path}: entry {number} of [[known]]: {error}") from error
        known[entry["loader"], requirement.name] = entry["reason"]
    return known


def write_known(path: Path, results: Iterable[Result]) -> int:
    """Write all that failed, or is known to fail, as accepted; return the number of entries."""
    failing = [r for r in results if r.verdict.outcome.broken or r.outcome is Outcome.KNOWN]
    entries = [
        "[[known]]\n"
        + "".join(
            f"{key} = {_toml(value)}\n"
            for key, value in {
                "loader": result.loader,
                "requirement": result.requirement,
                "reason": result.known or result.verdict.message or result.verdict.outcome,
            }.items()
        )
        for result in failing
    ]
    path.write_text("\n".join([HEAD, *entries]), "utf-8")
    return len(failing)


def _toml(text: str) -> str:
    # A JSON string with its non-ASCII characters left alone is a basic string of TOML as well, but
    # for DEL, and for halves of surrogate pairs, which TOML cannot say.
    whole = text.encode("utf-8", "backslashreplace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
