"""The folder is the registry."""

import sys
from pathlib import Path

import pytest

from conformance.catalogue import Catalogue, catalogue, chapter_modules, nearest
from conformance.errors import UsageError

NAMES = [
    "drop_last_drops_the_short_batch",
    "a_sampler_is_left_alone",
    "an_epoch_is_the_dataset",
    "four_samples_make_two_pairs",
    "the_length_is_the_number_of_batches",
]

LAW = '''
from conformance import requirement

@requirement(claims=["D1-001"])
def {name}(subject):
    """It MUST.

    Why.
    """
'''


@pytest.fixture
def chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package without chapters, called like the folder."""
    folder = tmp_path / f"spec_{tmp_path.name}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_requirements_come_chapter_by_chapter_as_they_are_written(spec: Catalogue) -> None:
    assert spec.chapters == ["broken", "choices", "delivery"]
    assert list(spec.requirements) == ["the_check_is_broken", *NAMES]


def test_chapters_are_listed_without_being_imported(chapters: Path) -> None:
    (chapters / "second.py").write_text("raise SystemExit")
    (chapters / "first.py").write_text("raise SystemExit")
    (chapters / "folder").mkdir()
    (chapters / "folder" / "__init__.py").touch()
    name = chapters.name
    assert chapter_modules(name) == [f"{name}.first", f"{name}.second"]
    assert f"{name}.first" not in sys.modules


def test_a_specification_may_say_what_is_read_first(chapters: Path) -> None:
    (chapters / "__init__.py").write_text('READING_ORDER = ["order", "batching"]')
    for name in ("arguments", "batching", "order", "workers"):
        (chapters / f"{name}.py").touch()
    names = [name.rpartition(".")[2] for name in chapter_modules(chapters.name)]
    assert names == ["order", "batching", "arguments", "workers"]


def test_a_specification_that_cannot_be_imported_is_wrong_use() -> None:
    with pytest.raises(UsageError) as caught:
        catalogue("no_such_specification")
    assert str(caught.value) == (
        "the specification 'no_such_specification' cannot be imported: "
        "No module named 'no_such_specification'"
    )


def test_a_requirement_without_a_mutant_is_refused(chapters: Path) -> None:
    (chapters / "only.py").write_text(LAW.format(name="a_law"))
    with pytest.raises(ValueError, match="a_law") as caught:
        catalogue(chapters.name)
    assert str(caught.value) == "a_law has no mutant that it must catch; give it one"


def test_two_requirements_of_one_name_are_refused(chapters: Path) -> None:
    mutant = "\n@a_law.mutant\ndef wrong(request, batches): ...\n"
    for chapter in ("first", "second"):
        (chapters / f"{chapter}.py").write_text(LAW.format(name="a_law") + mutant)
    with pytest.raises(ValueError, match="a_law") as caught:
        catalogue(chapters.name)
    assert str(caught.value) == "two requirements are called a_law; rename one"


@pytest.mark.parametrize("name", ["a_sampler_is_left_alone", "choices.a_sampler_is_left_alone"])
def test_a_requirement_is_found_with_or_without_its_chapter(spec: Catalogue, name: str) -> None:
    assert spec.get(name) is spec.requirements["a_sampler_is_left_alone"]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a_sampler_left_alone", "did you mean a_sampler_is_left_alone?"),
        ("delivery.an_epoch_is_a_dataset", "did you mean an_epoch_is_the_dataset?"),
        ("qqq", f"there are {', '.join(sorted([*NAMES, 'the_check_is_broken']))}"),
    ],
)
def test_an_unknown_requirement_is_wrong_use(spec: Catalogue, name: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        spec.get(name)
    assert str(caught.value) == f"no requirement is called {name!r}; {remedy}"


def test_a_requirement_is_not_found_in_another_s_chapter(spec: Catalogue) -> None:
    with pytest.raises(UsageError) as caught:
        spec.get("delivery.a_sampler_is_left_alone")
    assert str(caught.value) == (
        "no requirement is called 'delivery.a_sampler_is_left_alone'; "
        "did you mean a_sampler_is_left_alone?"
    )


def test_everything_is_selected_by_default(spec: Catalogue) -> None:
    assert spec.select() == list(spec.requirements.values())


@pytest.mark.parametrize(
    ("chapters", "words", "basis", "selected"),
    [
        (["choices"], [], None, NAMES[:2]),
        (["broken", "delivery"], [], None, ["the_check_is_broken", *NAMES[2:]]),
        ([], ["sampler", "epoch"], None, NAMES[1:3]),
        (["delivery"], ["sampler", "epoch"], None, NAMES[2:3]),
        ([], [], "practice", NAMES[1:2]),
        (["choices"], [], "documents", NAMES[:1]),
    ],
)
def test_chapters_words_and_basis_narrow_the_selection(
    spec: Catalogue, chapters: list[str], words: list[str], basis: str | None, selected: list[str]
) -> None:
    assert [r.name for r in spec.select(iter(chapters), iter(words), basis)] == selected


def test_an_unknown_chapter_is_wrong_use(spec: Catalogue) -> None:
    with pytest.raises(UsageError) as caught:
        spec.select(["choice"])
    assert str(caught.value) == "no chapter is called 'choice'; did you mean choices?"


def test_a_selection_that_leaves_nothing_is_wrong_use(spec: Catalogue) -> None:
    with pytest.raises(UsageError) as caught:
        spec.select(["choices"], ["epoch"])
    assert str(caught.value) == (
        "no requirement is left by this selection; `conformance list` shows all"
    )


def test_claims_say_what_became_of_them(spec: Catalogue, chapters: Path) -> None:
    assert spec.claims()["D1-003"]["held_by"] == ["drop_last_drops_the_short_batch"]
    assert spec.pending() == ["D1-005"]
    assert catalogue(chapters.name).claims() == {}


def test_the_nearest_names_are_the_remedy() -> None:
    assert nearest("ordr", ["order", "lifetime", "border"]) == "did you mean order, border?"
    assert nearest("qqq", ["order", "border"]) == "there are border, order"
    assert nearest("drop_lst", ["order", "drop_last_discards_only_the_short_batch"]) == (
        "did you mean drop_last_discards_only_the_short_batch?"
    )
    many = nearest("qqq", [f"name_{number:02}" for number in range(40)])
    assert many.startswith("there are name_00, name_01, ")
    assert many.endswith(", name_29 and 10 more")


def test_what_is_at_stake_is_said_by_chapter_and_requirement(
    monkeypatch: pytest.MonkeyPatch, spec: Catalogue
) -> None:
    assert spec.harms() == {}
    harms = {"worst": ["four_samples_make_two_pairs", "choices"], "bad": ["delivery"]}
    monkeypatch.setattr("tests.miniature_spec.HARMS", harms, raising=False)
    assert list(spec.harms().items()) == [
        ("drop_last_drops_the_short_batch", "worst"),
        ("a_sampler_is_left_alone", "worst"),
        ("four_samples_make_two_pairs", "worst"),
        ("an_epoch_is_the_dataset", "bad"),
        ("the_length_is_the_number_of_batches", "bad"),
    ]
