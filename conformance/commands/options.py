"""Options and checks that several commands share."""

import multiprocessing
from pathlib import Path

import click

from conformance.errors import UsageError
from conformance.requirement import Basis

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
