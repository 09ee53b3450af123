"""Accepted deviations: written, read again, and refused if they say too little."""

from pathlib import Path

import pytest

from conformance.catalogue import Catalogue
from conformance.errors import UsageError
from conformance.known import read_known, write_known
from conformance.outcome import Outcome
from tests.conformance.examples import result
from tests.miniatures import CONTROL, MARKUP

SAMPLER = "a_sampler_is_left_alone"


def test_what_fails_is_written_as_accepted_and_read_again(spec: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    results = [
        result(Outcome.FAILED, "an_epoch_is_the_dataset", message="it loses one"),
        result(Outcome.CRASH, SAMPLER, known="since 2.0"),
        result(Outcome.TIMEOUT, SAMPLER, loader="two"),
        result(Outcome.PASSED, "four_samples_make_two_pairs"),
        result(Outcome.PASSED, "four_samples_make_two_pairs", loader="two", known="it was so"),
        result(Outcome.UNSUPPORTED, "drop_last_drops_the_short_batch", known="it has none"),
    ]
    assert write_known(path, results) == 3
    assert read_known(path, spec) == {
        ("one", "an_epoch_is_the_dataset"): "it loses one",
        ("one", SAMPLER): "since 2.0",
        ("two", SAMPLER): "timeout",
    }
    assert path.read_text().startswith("# Accepted deviations. A deviation that is not listed")


def test_hostile_text_comes_back(spec: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    write_known(path, [result(Outcome.FAILED, SAMPLER, message=MARKUP + CONTROL, loader='a:"\\')])
    (((loader, _), reason),) = read_known(path, spec).items()
    assert loader == 'a:"\\'
    assert reason == MARKUP + CONTROL.replace("\ud800", "\\ud800")  # which TOML cannot say


def test_nothing_is_accepted_of_an_empty_file(spec: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    assert write_known(path, []) == 0
    assert read_known(path, spec) == {}


def entry(**fields: str) -> str:
    given = {"loader": '"one"', "requirement": f'"{SAMPLER}"', "reason": '"so"', **fields}
    return "[[known]]\n" + "".join(f"{key} = {value}\n" for key, value in given.items() if value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (entry(reason=""), "entry 1 of [[known]] has no reason; add it"),
        (entry() + entry(loader='""'), "entry 2 of [[known]] has no loader; add it"),
        (entry(requirement=""), "entry 1 of [[known]] has no requirement; add it"),
        (entry(requirement="3"), "requirement in entry 1 of [[known]] must be a text"),
        (
            entry(requirement='"a_sampler_left_alone"'),
            "entry 1 of [[known]]: no requirement is called 'a_sampler_left_alone'; "
            "did you mean a_sampler_is_left_alone?",
        ),
        ("known = 3", "known must be tables, each headed [[known]]"),
        ("known = ['a']", "known must be tables, each headed [[known]]"),
        ("[known]\nloader = 'one'", "known must be tables, each headed [[known]]"),
    ],
)
def test_an_entry_that_says_too_little_is_wrong_use(
    spec: Catalogue, tmp_path: Path, text: str, error: str
) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_known(path, spec)
    assert str(caught.value) == f"{path}: {error}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[[known", "Expected ']]' at the end of an array declaration (at end of document)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (None, "[Errno 2] No such file or directory: '{path}'"),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_use(
    spec: Catalogue, tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "known.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_known(path, spec)
    reason = why.format(path=path)
    assert str(caught.value) == f"the known deviations {path} cannot be read: {reason}"
