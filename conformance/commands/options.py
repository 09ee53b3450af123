"""Options and checks that several commands share."""

import multiprocessing
import re
from collections.abc import Sequence
from pathlib import Path

import click

from conformance.errors import UsageError
from conformance.requirement import Basis, Requirement

REPORT = Path("conformance-report.jsonl")

selection = [
    click.option(
        "--chapter", "chapters", multiple=True, help="Only this chapter (may be repeated)."
    ),
    click.option("-k", "words", multiple=True, help="Only requirements with this in their name."),
    click.option(
        "--basis",
        type=click.Choice([basis.value for basis in Basis]),
        help="Only what rests on this.",
    ),
]


def selecting(command: click.decorators.FC) -> click.decorators.FC:
    """Add the options that select requirements."""
    for option in reversed(selection):
        command = option(command)
    return command


seeding = click.option(
    "--seed", type=int, default=0, show_default=True, help="Where all choices start."
)
start_method = click.option(
    "--start-method",
    type=click.Choice(multiprocessing.get_all_start_methods()),
    help="How workers are started where a requirement does not say.  [default: Python's]",
)
jobs_at_a_time = click.option(
    "--jobs", type=click.IntRange(1), help="How many at a time.  [default: the cores]"
)


sharding = click.option(
    "--shard", metavar="I/N", help="Only this of N parts, which `merge` makes one report of."
)
forcing = click.option(
    "--force", is_flag=True, help="Merge what does not belong together; the report is marked."
)

partially = click.option(
    "--partial", is_flag=True, help="Take what is there of a report that was cut off."
)


def share(requirements: Sequence[Requirement], shard: str | None) -> list[Requirement]:
    """Return the requirements that a shard, `i/n`, is to judge: every n-th from the i-th on.

    So each shard has a share of the slow chapters, and the same one in every run.

    Raises:
        UsageError: it is no `i/n` with i from 1 to n, or there are fewer requirements than shards.

    """
    if shard is None:
        return list(requirements)
    found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", shard)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise UsageError(
            f"a shard is I/N with I from 1 to N, got {shard!r}; the second of eight is --shard 2/8"
        )
    if count > len(requirements):
        raise UsageError(
            f"{len(requirements)} requirements cannot be shared out among {count} shards; "
            "ask for fewer shards, or select more requirements"
        )
    return list(requirements[number - 1 :: count])


def writable(path: Path, option: str = "--output") -> Path:
    """Return the path; raise UsageError if no file can be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}; name another with {option}"
        ) from error
    return path
