"""The command line: lists, explanations, mutants, wrong options."""

from pathlib import Path

import pytest

from conformance.accelerator import has_accelerator
from tests.conformance.conftest import Command

GOOD = "tests.miniatures:Plain"
PAIRS = "four_samples_make_two_pairs"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run"], "Error: Missing option '--loader'.\n"),
        (["run", "--loader", GOOD, "--deadline", "0"], "0.0 is not in the range x>=1.\n"),
        (["run", "--lodaer", GOOD], "No such option '--lodaer'."),
        (["rnu"], "No such command 'rnu'."),
        (["report"], "Error: Missing argument 'FILE...'.\n"),
        (["list", "--basis", "hearsay"], "'hearsay' is not one of 'documents', 'practice'.\n"),
    ],
)
def test_an_option_that_is_wrong_is_2(
    conformance: Command, arguments: list[str], text: str
) -> None:
    ended = conformance(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert text in ended.err


def test_requirements_are_listed_by_chapter(conformance: Command) -> None:
    ended = conformance("list", "--chapter", "choices")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "\nchoices\n  drop_last_drops_the_short_batch MUST NOT, documents\n"
        "  a_sampler_is_left_alone MUST, practice\n"
    )


def test_a_selection_is_listed(conformance: Command) -> None:
    assert conformance("list", "--basis", "practice").out.count("\n") == 3
    assert conformance("list", "--chapter", "deliver").only_line == (
        "error: no chapter is called 'deliver'; did you mean delivery?"
    )


def test_the_catalogue_is_a_page(conformance: Command) -> None:
    ended = conformance("list", "--markdown")
    assert ended.code == 0
    assert ended.out.startswith("# ")


def test_the_loaders_are_listed(conformance: Command) -> None:
    assert conformance("list", "--loaders").out == (
        "accelerate\naccelerate-dispatch\naccelerate-rank\ndatasets\ndatasets-iterable\ngrain\n"
        "grain-dataset\nmonai\nreference\nreference-ignore\nspdl\nspdl-pytorch\ntorch\n"
        "torch-geometric\ntorchdata\ntorchdata-nodes\nwebdataset\n"
        "module:callable  (any callable like the DataLoader)\n"
    )


def test_a_requirement_is_explained(conformance: Command) -> None:
    ended = conformance("explain", PAIRS)
    assert ended.code == 0
    assert ended.out.startswith(
        f"delivery.{PAIRS}\n\nFour samples with batch_size=2 MUST make two pairs.\n\n"
        "It is the smallest example there is.\n\n  D1-001: An epoch is the dataset.\n"
        "  D1-002: Samples come in batches, and their number is the length.\n"
        "  mutants it catches: loses_the_last_batch\n\n"
    )
    assert "assert batches == [[0, 1], [2, 3]]" in ended.out
    evidence = conformance("explain", "a_sampler_is_left_alone").out
    assert "  evidence: https://example.org/issues/1\n" in evidence


def test_a_claim_is_explained(conformance: Command) -> None:
    assert conformance("explain", "D1-005").out == (
        "D1-005\n  says: Workers load in parallel.\n  pending: a later chapter\n"
    )


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        (
            "an_epoch_is_a_dataset",
            "no requirement is called 'an_epoch_is_a_dataset'; "
            "did you mean an_epoch_is_the_dataset?",
        ),
        ("D1-099", "no claim has the id 'D1-099'; did you mean D1-005, D1-004, D1-003?"),
    ],
)
def test_what_is_not_there_cannot_be_explained(
    conformance: Command, identifier: str, text: str
) -> None:
    assert conformance("explain", identifier).only_line == f"error: {text}"


def test_mutants_are_judged(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "a" / "matrix.csv"
    ended = conformance(
        "mutants", "--loader", GOOD, "--chapter", "delivery", "--output", path, "--jobs", 2
    )
    assert ended.code == 0
    assert f"{PAIRS}: loses_the_last_batch: caught by 2\n" in ended.out
    last = f"3 of 3 mutants caught by their requirement; matrix in {path}\n"
    assert ended.out.endswith(last)
    *_, head, counts = ended.out.removesuffix(last).splitlines()
    assert head.split() == ["chapter", "requirements", "mutants", "caught"]
    assert counts.split() == ["delivery", "3", "3", "3"]
    assert path.read_text().count("\n") == 4


@pytest.mark.skipif(has_accelerator(), reason="there is an accelerator")
def test_mutants_that_need_an_accelerator_are_counted_apart(
    conformance: Command, tmp_path: Path
) -> None:
    path = tmp_path / "matrix.csv"
    chapter = ("--specification", "specs", "mutants", "--chapter", "scenarios_transfer")
    ended = conformance(*chapter, "--output", path)
    assert ended.code == 0
    example = "the_pinned_example_trains_on_every_row"
    assert f"{example}: does_not_pin: not judged: no accelerator\n" in ended.out
    assert ended.out.endswith(
        "3 mutants could not be judged on this machine: no accelerator\n"
        f"0 of 0 mutants caught by their requirement; matrix in {path}\n"
    )
    assert "yes" not in path.read_text()


def test_a_mutant_that_is_not_caught_is_1(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    ended = conformance("mutants", "--loader", GOOD, "--chapter", "broken", "--output", path)
    assert ended.code == 1
    assert ended.out.startswith(
        "the_check_is_broken: does_nothing_wrong: NOT CAUGHT by its requirement\n"
    )


def test_help_and_version_end_with_0(conformance: Command) -> None:
    for arguments in (["-h"], ["run", "--help"], ["--version"]):
        assert conformance(*arguments).code == 0
