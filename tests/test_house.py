"""The house is as its pages say: claims, catalogue, map and commands."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import specs
from conformance.catalogue import catalogue
from conformance.loaders import bundled
from conformance.report.markdown import render_catalogue

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CLAIMS = catalogue().claims()
DISPOSITIONS = ("held", "erratum", "rationale", "untestable", "pending", "aside")


def test_every_claim_of_the_documents_has_one_disposition() -> None:
    numbers = {"D1": [], "D2": []}  # type: dict[str, list[int]]
    for claim in CLAIMS:
        document, number = re.fullmatch(r"(D[12])-(\d{3})[a-z]?", claim).groups()  # type: ignore[union-attr]
        numbers[document].append(int(number))
    assert sorted(set(numbers["D1"])) == list(range(1, 106))
    assert sorted(set(numbers["D2"])) == list(range(1, 69))
    assert len(CLAIMS) == 189
    lacking = [claim for claim, row in CLAIMS.items() if not set(DISPOSITIONS) & set(row)]
    assert lacking == []


def test_an_erratum_has_a_ruling_and_who_holds_it_or_waits_for_it() -> None:
    errata = {claim: row for claim, row in CLAIMS.items() if "erratum" in row}
    assert [claim for claim, row in errata.items() if not row.get("ruling")] == []
    ways = {"held", "pending", "rationale", "untestable"}
    assert [claim for claim, row in errata.items() if not ways & set(row)] == []


def test_claims_and_requirements_name_each_other() -> None:
    by_requirements = {
        (claim, requirement.name)
        for requirement in catalogue().requirements.values()
        for claim in requirement.claims
    }
    by_claims = {(claim, name) for claim, row in CLAIMS.items() for name in row.get("held", [])}  # type: ignore[attr-defined]
    assert by_claims - by_requirements == set()
    assert by_requirements - by_claims == set()


def test_the_catalogue_is_in_step_with_the_chapters() -> None:
    page = (ROOT / "specs" / "CATALOGUE.md").read_text("utf-8")
    assert page == render_catalogue(catalogue()), "conformance list --markdown > specs/CATALOGUE.md"


def test_the_map_in_the_readme_is_true() -> None:
    block = README.partition("## Map")[2].partition("```")[2].partition("```")[0]
    shown = re.findall(r"^(\S+/|\S+\.\w+)", block, re.MULTILINE)
    assert len(shown) >= 8
    assert [path for path in shown if not (ROOT / path).exists()] == []
    chapters = [
        path.stem for path in sorted((ROOT / "specs").glob("*.py")) if path.stem != "__init__"
    ]
    assert [chapter for chapter in chapters if chapter not in README] == []


def test_the_readmes_commands_are_sessions_and_commands_that_exist() -> None:
    sessions = set(re.findall(r"nox -s ([a-z]+)", README))
    defined = set(
        re.findall(r"^def ([a-z]+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    )
    assert sessions
    assert sessions <= defined
    from conformance.cli import cli

    commands = set(re.findall(r"^conformance ([a-z]+)", README, re.MULTILINE))
    assert commands
    assert commands <= set(cli.commands)


def test_a_loader_of_another_library_has_an_extra_of_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    others = set(bundled()) - {"reference", "reference-ignore", "torch"}
    assert others - set(project["optional-dependencies"]) == set()


def test_constraints_pin_what_the_package_declares_as_a_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[><=]", line)[0] for line in project["dependencies"]}
    pinned = {
        line.partition("==")[0]
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert declared - pinned == set()


def test_what_is_at_stake_is_said_of_chapters_and_requirements_that_exist() -> None:
    named = [name for names in specs.HARMS.values() for name in names]
    assert set(named) - {*catalogue().chapters, *catalogue().requirements} == set()
    assert len(named) == len(set(named))
    assert list(dict.fromkeys(catalogue().harms().values())) == list(specs.HARMS)


def sessions() -> set[str]:
    """Return the names of the sessions in the noxfile, which nox need not be there for."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    found = set()
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for decorator in map(ast.unparse, function.decorator_list):
            if decorator.startswith("nox.session"):
                named = re.search(r"name='([^']+)'", decorator)
                found.add(named[1] if named else function.name)
    return found


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "CONTRIBUTING.md",
        ".ci/run",
        ".github/workflows/ci.yml",
        ".github/workflows/newest.yml",
    ],
)
def test_every_session_that_is_named_is_there(path: str) -> None:
    text = (ROOT / path).read_text()
    named = {
        word
        for line in re.findall(r"nox[a-z -]* -s \"?((?:[a-z]+(?:-[a-z]+)* ?)+)", text)
        for word in line.split()
    }
    assert named
    assert named <= sessions()
