"""Which requirement catches which mutant."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance import kill_matrix as module
from conformance.accelerator import has_accelerator
from conformance.catalogue import Catalogue, catalogue
from conformance.errors import UsageError
from conformance.judge import Settings
from conformance.kill_matrix import Row, kill_matrix, read_matrix, rows_in, write_matrix
from conformance.outcome import Outcome
from conformance.requirement import Requirement

DELIVERY = [
    ("an_epoch_is_the_dataset", "loses_the_first_batch"),
    ("four_samples_make_two_pairs", "loses_the_last_batch"),
    ("the_length_is_the_number_of_batches", "forgets_the_short_batch"),
]


def rows_of(spec: Catalogue, loader: str, requirements: Sequence[Requirement]) -> list[Row]:
    matrix = kill_matrix(spec, loader, requirements, requirements, Settings(examples=20), jobs=2)
    rows = list(matrix)
    rank = list(spec.requirements)
    return sorted(rows, key=lambda row: rank.index(row.requirement))


def test_each_mutant_is_judged_by_each_requirement(spec: Catalogue) -> None:
    rows = rows_of(spec, "tests.miniatures:Plain", spec.select(["delivery"]))
    assert [(row.requirement, row.mutant) for row in rows] == DELIVERY
    assert all(row.killed for row in rows)
    assert [row.killers for row in rows] == [
        ["an_epoch_is_the_dataset", "four_samples_make_two_pairs"],
        ["an_epoch_is_the_dataset", "four_samples_make_two_pairs"],
        [name for name, _ in DELIVERY],
    ]


def test_mutants_of_some_may_be_judged_by_all(spec: Catalogue) -> None:
    judges = spec.select(["delivery"])
    matrix = kill_matrix(spec, "tests.miniatures:Plain", judges[:1], judges, Settings(examples=5))
    (row,) = matrix
    assert (row.requirement, list(row.outcomes)) == (DELIVERY[0][0], [name for name, _ in DELIVERY])


def test_a_mutant_may_be_judged_by_its_chapter_alone(spec: Catalogue) -> None:
    both = spec.select(["delivery", "broken"])
    plain = "tests.miniatures:Plain"
    matrix = kill_matrix(spec, plain, both, both, Settings(examples=5), jobs=2, across=False)
    for row in matrix:
        chapters = {spec.get(name).chapter for name in row.outcomes}
        assert chapters == {spec.get(row.requirement).chapter}
    (broken,) = rows_of(spec, plain, spec.select(["broken"]))
    assert list(broken.outcomes) == ["the_check_is_broken"]


def test_a_requirement_that_breaks_catches_nothing(spec: Catalogue) -> None:
    (row,) = rows_of(spec, "tests.miniatures:Plain", spec.select(["broken"]))
    assert row.outcomes == {"the_check_is_broken": Outcome.ERROR}
    assert (row.killed, row.killers) == (False, [])


def test_a_mutant_that_ends_the_process_is_not_caught_and_says_so(spec: Catalogue) -> None:
    requirements = spec.select(words=["four_samples"])
    (row,) = rows_of(spec, "tests.miniatures:ExitingWithThree", requirements)
    assert (row.killed, row.outcomes) == (False, {})
    assert row.output.startswith("the process ended with exit code 3, judging by ")


def test_each_chapter_that_does_not_end_is_told(spec: Catalogue) -> None:
    owner = spec.select(words=["four_samples"])
    judges = [*owner, *spec.select(["broken"])]
    ending = "tests.miniatures:ExitingWithThree"
    (row,) = kill_matrix(spec, ending, owner, judges, Settings(examples=5))
    assert "judging by four_samples_make_two_pairs and 0 more" in row.output
    assert "judging by the_check_is_broken and 0 more" in row.output


def test_a_mutant_that_does_not_end_is_not_caught_and_says_so(
    spec: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHAPTER_DEADLINE", 1)
    requirements = spec.select(words=["four_samples"])
    (row,) = rows_of(spec, "tests.miniatures:Hanging", requirements)
    assert row.killed is False
    assert row.output.startswith("the process was not over after 1 seconds, judging by ")


@pytest.mark.skipif(has_accelerator(), reason="there is an accelerator")
def test_a_mutant_that_needs_an_accelerator_is_neither_caught_nor_missed() -> None:
    subjects = catalogue()
    requirements = subjects.select(words=["a_blocking_copy_is_waited_for"])
    asked = (requirements, requirements, Settings())
    rows = list(kill_matrix(subjects, "reference", *asked, across=False))
    assert len(rows) == 2
    assert [(row.killed, row.lacking) for row in rows] == [(False, "no accelerator")] * 2
    assert [row.outcomes for row in rows] == [
        {"a_blocking_copy_is_waited_for": Outcome.UNSUPPORTED}
    ] * 2


def test_a_matrix_that_was_cut_off_is_gone_on_with(spec: Catalogue, tmp_path: Path) -> None:
    path, judges = tmp_path / "matrix.csv", spec.select(["delivery"])
    names = [each.name for each in judges]
    assert rows_in(path, names) == []
    whole = rows_of(spec, "tests.miniatures:Plain", judges)
    write_matrix(path, whole[:2], names)
    done = rows_in(path, names)
    settings = Settings(examples=20)
    rest = kill_matrix(spec, "tests.miniatures:Plain", judges, judges, settings, done=done)
    assert [(row.requirement, row.killers) for row in [*done, *rest]] == [
        (row.requirement, row.killers) for row in whole
    ]


def test_a_matrix_of_other_requirements_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    write_matrix(path, [Row("one", "bad", {"one": Outcome.FAILED})], ["one", "two"])
    with pytest.raises(UsageError, match=r"is of 2 requirements, which are not the 1 that"):
        rows_in(path, ["one"])


def test_the_matrix_is_a_table(tmp_path: Path) -> None:
    rows = [
        Row("one", "bad", {"one": Outcome.FAILED, "two": Outcome.PASSED}),
        Row("two", "worse", {"one": Outcome.FAILED, "two": Outcome.CRASH}),
        Row("two", "dead", {}),
        Row("two", "far", {"one": Outcome.PASSED, "two": Outcome.UNSUPPORTED}, lacking="a device"),
    ]
    path = tmp_path / "folder" / "matrix.csv"
    write_matrix(path, rows, ["one", "two"])
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["requirement", "mutant", "killed", "one", "two"],
            ["one", "bad", "yes", "x", ""],
            ["two", "worse", "NO", "x", ""],
            ["two", "dead", "NO", "", ""],
            ["two", "far", "a device", "", ""],
        ]
    assert read_matrix(path) == {
        "one": {"bad": ["one"]},
        "two": {"worse": ["one"], "dead": [], "far": "a device"},
    }


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "requirement,mutant,killed,one\na,b\n", '"', "requirement,mutant\n"]
)
def test_what_is_no_matrix_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_matrix(path)
    assert str(caught.value) == (
        f"{path} is no kill matrix: its columns are not requirement, mutant, killed and the "
        "requirements; `conformance mutants` writes one"
    )


def test_a_matrix_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^the kill matrix .*none cannot be read: .*No such file"):
        read_matrix(tmp_path / "none")
