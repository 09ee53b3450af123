"""The guide "Judge your loader" is true: its template works, and its commands exist."""

import re
import tomllib
from pathlib import Path

import pytest

from conformance.cli import cli
from conformance.loaders import ENTRY_POINTS, named
from tests.conformance.conftest import Command, conformance, spec

__all__ = ["conformance", "spec"]  # fixtures

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = (DOCS / "judge-your-loader.md").read_text("utf-8")
TEMPLATE = "template_adapter:adapter"


def test_the_template_works_as_it_stands(
    conformance: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS)
    assert sorted(named(TEMPLATE).capabilities)
    ended = conformance("smoke", "--loader", TEMPLATE)
    assert (ended.code, ended.out.splitlines()[1:]) == (
        0,
        [f"it works: judge it with `conformance run --loader {TEMPLATE}`"],
    )


def test_the_guide_s_commands_exist_with_their_options() -> None:
    commands = re.findall(r"\bconformance (smoke|[a-z]+)((?: [^\n#`]+)?)", GUIDE)
    used = {
        (command, option)
        for command, rest in commands
        if command in cli.commands
        for option in re.findall(r"--[a-z-]+", rest)
    }
    assert {command for command, _ in used} >= {"smoke", "run", "report"}
    taken = {
        (name, option)
        for name, command in cli.commands.items()
        for parameter in command.params
        for option in parameter.opts
    }
    assert used - taken == set()


def test_the_guide_s_entry_point_is_of_the_group_that_is_looked_up() -> None:
    block = GUIDE.partition("```toml\n")[2].partition("```")[0]
    project = tomllib.loads(block)["project"]
    assert list(project["entry-points"]) == [ENTRY_POINTS]
