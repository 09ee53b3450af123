"""What comes of checking one requirement on one loader, in this process."""

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from conformance.adapter import Adapter, adapter_for
from conformance.capability import Capability, Unsupported
from conformance.catalogue import Catalogue
from conformance.datasets import Identity
from conformance.judge import Settings, judge, seed_everything
from conformance.outcome import Outcome, Verdict
from conformance.requirement import given
from conformance.subject import Subject
from tests import miniatures
from tests.conformance.examples import lawful

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


@pytest.mark.parametrize("name", [PAIRS, PROPERTY])
def test_who_does_it_right_passes(on: On, name: str) -> None:
    verdict = on(miniatures.Plain, name)
    assert verdict == Verdict(
        Outcome.PASSED, observations=verdict.observations, seconds=verdict.seconds
    )
    assert verdict.seconds > 0


def test_the_choices_seen_are_told(on: On) -> None:
    assert on(miniatures.Plain, PAIRS).observations == ("delivers a list",)
    assert on(miniatures.Empty, PAIRS).observations == ("delivers nothing",)


def default_start_method(subject: Subject) -> None:
    subject.observe(str(multiprocessing.get_start_method()))


def test_workers_are_started_as_the_settings_say() -> None:
    before = multiprocessing.get_start_method(allow_none=True)
    adapter = adapter_for("plain", miniatures.Plain)
    try:
        verdict = judge(lawful(default_start_method), adapter, Settings(start_method="spawn"))
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert verdict.observations == ("spawn",)


def test_a_failure_shows_what_was_asked_and_what_came(on: On) -> None:
    verdict = on(miniatures.DroppingLast, PAIRS)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == "it is not so that batches == [[0, 1], [2, 3]]"
    assert verdict.asked == "Loader(Identity(size=4), batch_size=2)"
    assert verdict.came == {"batches": "[[0, 1], [2]]", "[[0, 1], [2, 3]]": "[[0, 1], [2, 3]]"}
    assert verdict.example == {}
    assert "assert batches ==" in verdict.traceback
    assert "DroppingLast(Identity(4), batch_size=2)" in verdict.script


def test_the_example_of_a_property_is_shrunk(on: On) -> None:
    verdict = on(miniatures.DroppingLast, PROPERTY)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.example == {"size": "1", "batch_size": "1"}
    assert verdict.came == {"delivered": "[]", "list(range(size))": "[0]", "size": "1"}
    assert verdict.asked == "Loader(Identity(size=1))"


def test_equal_seeds_give_equal_verdicts(on: On) -> None:
    verdicts = [on(miniatures.DroppingLast, PROPERTY, Settings(seed=5)) for _ in range(2)]
    first, second = ({**vars(verdict), "seconds": 0} for verdict in verdicts)
    assert first == second


def test_as_many_examples_are_tried_as_asked_and_another_seed_tries_others() -> None:
    tried: list[int] = []

    @lawful
    @given(number=st.integers(0, 10**9))
    def notes(subject: Subject, number: int) -> None:
        tried.append(number)

    plain = adapter_for("one", miniatures.Plain)
    runs = []
    for settings in (Settings(0, 30), Settings(0, 30), Settings(1, 30)):
        judge(notes, plain, settings)
        runs.append(tried.copy())
        tried.clear()
    assert runs[0] == runs[1] != runs[2]
    assert [len(run) for run in runs] == [30, 30, 30]


def test_a_check_starts_from_the_seed() -> None:
    import torch

    seed_everything(3)
    first = torch.rand(2).tolist()
    seed_everything(3)
    assert torch.rand(2).tolist() == first


def test_what_is_not_claimed_is_unsupported(on: On) -> None:
    verdict = on(miniatures.Lengthless, "drop_last_drops_the_short_batch")
    assert (verdict.outcome, verdict.message) == (Outcome.UNSUPPORTED, "needs drop_last")
    assert verdict.script == ""


def test_what_is_missing_in_a_property_is_unsupported() -> None:
    @lawful
    @given(size=st.integers(0, 3))
    def shuffles(subject: Subject, size: int) -> None:
        with subject.open(Identity(size), shuffle=True):
            pass

    verdict = judge(shuffles, adapter_for("one", miniatures.Plain), QUICK)
    assert (verdict.outcome, verdict.message) == (Outcome.UNSUPPORTED, "needs shuffle")


def test_an_empty_dataset_that_is_declined_is_passed_over_in_a_property() -> None:
    sizes = []

    @lawful
    @given(size=st.integers(0, 3))
    def delivers(subject: Subject, size: int) -> None:
        with subject.open(Identity(size)) as loader:
            sizes.append(len(list(loader)))

    declining = Adapter("declining", miniatures.Plain, frozenset({Capability.DATASET}))
    assert judge(delivers, declining, QUICK).outcome is Outcome.PASSED
    assert sorted(set(sizes)) == [1, 2, 3]


def test_an_empty_dataset_that_is_declined_is_unsupported_where_nothing_else_is_asked() -> None:
    @lawful
    def delivers_nothing(subject: Subject) -> None:
        with subject.open(Identity(0)):
            pass

    declining = Adapter("declining", miniatures.Plain, frozenset({Capability.DATASET}))
    verdict = judge(delivers_nothing, declining, QUICK)
    assert (verdict.outcome, verdict.message) == (Outcome.UNSUPPORTED, "needs empty_dataset")


def test_a_failure_outweighs_what_a_smaller_example_would_need() -> None:
    @lawful
    @given(size=st.integers(0, 50))
    def has_less_than_two(subject: Subject, size: int) -> None:
        with subject.open(Identity(size), shuffle=True if 2 <= size < 5 else None) as loader:
            delivered = list(loader)
        assert len(delivered) < 2

    # Shrinking a failure leads through the examples that need a shuffle, with every seed but those
    # that find one of these first.
    outcomes = [
        judge(has_less_than_two, adapter_for("one", miniatures.Plain), Settings(seed)).outcome
        for seed in range(8)
    ]
    assert outcomes.count(Outcome.FAILED) >= 4


def test_a_check_that_breaks_is_an_error_of_the_check(on: On) -> None:
    verdict = on(miniatures.Plain, "the_check_is_broken")
    assert verdict.outcome is Outcome.ERROR
    assert verdict.message == "the check could not go on: KeyError: 'epochs'"
    assert 'found["epochs"]' in verdict.traceback


@pytest.mark.parametrize("name", [PAIRS, PROPERTY])
@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (miniatures.Refusing, "the loader raised ValueError: no"),
        (miniatures.RaisingAnything, "the loader raised BaseException: not an Exception"),
        (miniatures.RaisingSystemExit, "the loader raised SystemExit: 0"),
        (miniatures.RaisingInterrupt, "the loader raised KeyboardInterrupt"),
        (
            miniatures.NeedingALibrary,
            "the loader raised ModuleNotFoundError: No module named 'a_library_that_nobody_has'",
        ),
        (
            miniatures.RaisingUnprintable,
            "the loader raised Unprintable: <Unprintable whose str raised SystemExit>",
        ),
    ],
)
def test_what_the_loader_raises_is_its_failure(
    on: On, loader: Any, name: str, message: str
) -> None:
    verdict = on(loader, name)
    assert (verdict.outcome, verdict.message) == (Outcome.FAILED, message)


def test_a_loader_that_does_not_end_fails(on: On) -> None:
    verdict = on(miniatures.Endless, PAIRS)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == (
        "the loader raised Endless: the epoch had not ended after 100000 batches"
    )


def test_a_loader_s_own_skip_is_no_excuse() -> None:
    import unittest

    def construct(dataset: Any) -> Any:
        raise unittest.SkipTest("not today")

    @lawful
    def opens(subject: Subject) -> None:
        with subject.open(Identity(1)):
            pass

    verdict = judge(opens, adapter_for("one", construct), QUICK)
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAILED,
        "the loader raised SkipTest: not today",
    )


def test_a_loader_that_answers_differently_each_time_is_seen_to(on: On) -> None:
    miniatures.Flaky.epochs = 0
    verdict = on(miniatures.Flaky, PROPERTY)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message.startswith("it is not so that delivered == list(range(size))")
    assert verdict.message.endswith("; asked the same again, the loader answered differently")


def test_an_assertion_that_the_loader_raises_is_the_loader_s(on: On) -> None:
    def construct(dataset: Any, batch_size: int = 1) -> Any:
        raise AssertionError("of the loader")

    verdict = on(construct, PAIRS)
    assert verdict.message == "the loader raised AssertionError: of the loader"


def test_unsupported_is_the_harness_s_word() -> None:
    """A check may find out late that it does not apply."""

    @lawful
    def gives_up(subject: Subject) -> None:
        raise Unsupported("no processes here")

    verdict = judge(gives_up, adapter_for("one", miniatures.Plain), QUICK)
    assert (verdict.outcome, verdict.message) == (Outcome.UNSUPPORTED, "no processes here")
