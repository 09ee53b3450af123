"""What a verdict shows of a failure, whatever the loader delivers or raises."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from conformance.adapter import adapter_for
from conformance.catalogue import Catalogue
from conformance.datasets import Identity, epoch
from conformance.judge import Settings, judge, shown, shown_text
from conformance.mutation import mutated
from conformance.outcome import Outcome, Verdict
from conformance.requirement import given
from conformance.subject import Subject
from tests import miniatures
from tests.conformance.examples import lawful
from tests.miniatures import CONTROL, MARKUP

PAIRS = "four_samples_make_two_pairs"
PROPERTY = "an_epoch_is_the_dataset"
QUICK = Settings(examples=20)


@pytest.fixture
def on(spec: Catalogue) -> Callable[..., Verdict]:
    """Return a function that judges a loader by a requirement's name."""

    def verdict_on(loader: Any, name: str, settings: Settings = QUICK) -> Verdict:
        return judge(spec.get(name), adapter_for(loader.__name__, loader), settings)

    return verdict_on


On = Callable[..., Verdict]


def test_what_cannot_be_shown_is_shown_as_that(on: On) -> None:
    verdict = on(miniatures.DeliveringUnrepresentable, PAIRS)
    assert verdict.outcome is Outcome.FAILED
    # The list's repr is the sample's.
    assert verdict.came["batches"] == "<list whose repr raised SystemExit>"


@pytest.mark.parametrize("loader", [miniatures.DeliveringMarkup, miniatures.RaisingMarkup])
def test_no_text_of_a_verdict_commands_a_terminal(on: On, loader: Any) -> None:
    verdict = on(loader, PAIRS)
    texts = [verdict.message, verdict.traceback, verdict.script, *verdict.came.values()]
    assert verdict.outcome is Outcome.FAILED
    for text in texts:
        assert not re.search(r"[^\n\t\x20-\x7e\xa0-\u2027\u2030-\ud7ff\ue000-\ufffd]", text)
    if loader is miniatures.RaisingMarkup:
        assert r"\x1b[31mred\x1b[0m \x00 \x07 \x7f \x85 \u2028 \ud800 \r end" in verdict.message


def test_an_assertion_s_own_words_are_the_message() -> None:
    @lawful
    def says_why(subject: Subject) -> None:
        with subject.open(Identity(3)) as loader:
            batches = epoch(loader)
        assert batches == [], f"{len(batches)} batches came"

    verdict = judge(says_why, adapter_for("one", miniatures.Plain), QUICK)
    assert verdict.message.startswith("3 batches came")
    assert verdict.came == {"batches": "[[0], [1], [2]]", "[]": "[]"}


def test_a_mutant_s_failure_needs_no_script(spec: Catalogue) -> None:
    pairs = spec.get(PAIRS)
    adapter = mutated(adapter_for("one", miniatures.Plain), pairs.mutants[0])
    verdict = judge(pairs, adapter, QUICK)
    assert (verdict.outcome, verdict.script) == (Outcome.FAILED, "")


def test_a_failure_that_cannot_be_written_out_is_a_failure(spec: Catalogue) -> None:
    verdict = judge(spec.get(PAIRS), adapter_for("one", miniatures.factory), QUICK)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.script == (
        "# This failure cannot be written as a script: "
        "AttributeError: 'Factory' object has no attribute '__name__'\n"
    )


def test_a_long_example_is_whole_in_the_script_and_short_in_the_report() -> None:
    @lawful
    @given(samples=st.lists(st.just("a long sample"), min_size=200, max_size=200))
    def refuses(subject: Subject, samples: list[str]) -> None:
        assert not samples

    verdict = judge(refuses, adapter_for("one", miniatures.make_plain), QUICK)
    assert verdict.example["samples"].endswith("… (2800 more characters)")
    assert verdict.script.count("a long sample") == 200


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, "a"], "[1, 'a']"),
        (MARKUP, repr(MARKUP)),
        ("x" * 700, f"'{'x' * 599}… (102 more characters)"),
        (miniatures.Unrepresentable(), "<Unrepresentable whose repr raised SystemExit>"),
    ],
)
def test_values_are_shown_as_fits_a_report(value: Any, text: str) -> None:
    assert shown(value) == text


def test_addresses_are_blotted_out() -> None:
    assert re.fullmatch(r"<object object at 0x…>", shown(object()))
    assert shown_text("Thread 0x00007f5ec1 at 0x10") == "Thread 0x… at 0x10"


def test_control_characters_are_spelled_out() -> None:
    assert shown_text(CONTROL) == (r"\x1b[31mred\x1b[0m \x00 \x07 \x7f \x85 \u2028 \ud800 \r end")
    assert shown_text("a\n\tb ✓ \N{SNOWMAN} \U0001f600") == "a\n\tb ✓ \N{SNOWMAN} \U0001f600"
