"""A run: every miniature is reported as what it is, and the run goes on."""

import multiprocessing
from dataclasses import replace
from typing import Any

import pytest

from conformance import run as module
from conformance.adapter import Deviation
from conformance.catalogue import Catalogue
from conformance.errors import UsageError
from conformance.isolate import Ending, isolated
from conformance.judge import Settings
from conformance.outcome import Outcome, Result, Verdict
from conformance.run import LoaderInfo, describe, header, run, verdict_on
from tests.miniatures import CONTROL

PAIRS = "four_samples_make_two_pairs"
PROPERTY = "an_epoch_is_the_dataset"
LOST = "it is not so that batches == [[0, 1], [2, 3]]"
LATE = "it was not over at the deadline; where it was then stands in the output"

# Who, what it is judged by, what comes of it, and what the message, or the output, holds.
VICES: list[tuple[str, str, Outcome, str]] = [
    ("Plain", PAIRS, Outcome.PASSED, ""),
    ("Plain", PROPERTY, Outcome.PASSED, ""),
    ("Plain", "the_check_is_broken", Outcome.ERROR, "the check could not go on: KeyError"),
    ("make_plain", PAIRS, Outcome.PASSED, ""),
    ("Empty", PAIRS, Outcome.FAILED, LOST),
    ("Refusing", PAIRS, Outcome.FAILED, "the loader raised ValueError: no"),
    ("DroppingLast", PROPERTY, Outcome.FAILED, "it is not so that delivered =="),
    ("make_dropping", PAIRS, Outcome.FAILED, LOST),
    ("factory", PAIRS, Outcome.FAILED, LOST),
    ("Hanging", PAIRS, Outcome.TIMEOUT, LATE),
    ("Hanging", PROPERTY, Outcome.TIMEOUT, LATE),
    ("HangingAtConstruction", PAIRS, Outcome.TIMEOUT, LATE),
    ("Exiting", PAIRS, Outcome.CRASH, "the process ended with exit code 0"),
    ("Exiting", PROPERTY, Outcome.CRASH, "the process ended with exit code 0"),
    ("ExitingWithThree", PAIRS, Outcome.CRASH, "the process ended with exit code 3"),
    ("Segfaulting", PAIRS, Outcome.CRASH, "the process was killed by SIGSEGV"),
    ("KilledByARealTimeSignal", PAIRS, Outcome.CRASH, "the process was killed by signal "),
    ("Endless", PAIRS, Outcome.FAILED, "the epoch had not ended after 100000 batches"),
    ("RaisingAnything", PAIRS, Outcome.FAILED, "BaseException: not an Exception"),
    ("RaisingSystemExit", PAIRS, Outcome.FAILED, "the loader raised SystemExit: 0"),
    ("RaisingInterrupt", PROPERTY, Outcome.FAILED, "the loader raised KeyboardInterrupt"),
    ("RaisingMarkup", PAIRS, Outcome.FAILED, "<script>alert(1)</script>"),
    ("RaisingUnprintable", PAIRS, Outcome.FAILED, "<Unprintable whose str raised SystemExit>"),
    ("DeliveringMarkup", PAIRS, Outcome.FAILED, LOST),
    ("DeliveringUnrepresentable", PAIRS, Outcome.FAILED, LOST),
    ("NeedingALibrary", PAIRS, Outcome.FAILED, "No module named 'a_library_that_nobody_has'"),
    ("Shouting", PAIRS, Outcome.PASSED, ""),
    ("Patching", PAIRS, Outcome.PASSED, ""),
    ("Mutating", "a_sampler_is_left_alone", Outcome.FAILED, "(delivered, sampler) =="),
    ("LeakingAProcess", PAIRS, Outcome.PASSED, ""),
    ("LeakingAThread", PAIRS, Outcome.PASSED, ""),
    ("Flaky", PROPERTY, Outcome.FAILED, "asked the same again, the loader answered differently"),
    ("Lengthless", "drop_last_drops_the_short_batch", Outcome.UNSUPPORTED, "needs drop_last"),
    ("Lengthless", "the_length_is_the_number_of_batches", Outcome.UNSUPPORTED, "has no length"),
    ("Lengthless", PAIRS, Outcome.PASSED, ""),
]


def full(loader: str) -> str:
    return f"tests.miniatures:{loader}"


def judged(
    spec: Catalogue, loaders: list[LoaderInfo], names: list[str], **more: Any
) -> list[Result]:
    requirements = [spec.get(name) for name in names]
    # Half a minute where all ends at once; hanging ones have their own deadline.
    chosen: dict[str, Any] = {"examples": 20, "deadline": 30.0}
    chosen |= {key: more.pop(key) for key in ("deadline", "start_method") if key in more}
    settings = Settings(**chosen)
    return list(run(spec, loaders, requirements, settings, jobs=2, **more))


@pytest.fixture(scope="module")
def results(spec: Catalogue) -> dict[tuple[str, str], Result]:
    """Judge all miniatures by all that is expected of them."""
    found = {}
    for hanging in (False, True):
        vices = [vice for vice in VICES if vice[0].startswith("Hanging") == hanging]
        for name in dict.fromkeys(name for _, name, *_ in vices):
            loaders = [LoaderInfo(full(who), "", ()) for who, what, *_ in vices if what == name]
            # Long enough to come to where they hang, also while other tests are at work.
            deadline = 5.0 if hanging else 30.0
            for result in judged(spec, loaders, [name], deadline=deadline):
                found[result.key] = result
    return found


@pytest.mark.parametrize(
    ("loader", "requirement", "outcome", "message"),
    VICES,
    ids=[f"{loader}-{requirement}" for loader, requirement, *_ in VICES],
)
def test_each_vice_is_reported_as_what_it_is(
    results: dict[tuple[str, str], Result],
    loader: str,
    requirement: str,
    outcome: Outcome,
    message: str,
) -> None:
    result = results[full(loader), requirement]
    assert result.outcome is outcome, result.verdict
    assert message in result.verdict.message
    assert bool(message) == bool(result.verdict.message)


def test_a_hang_and_a_crash_show_where(results: dict[tuple[str, str], Result]) -> None:
    assert "in hang_here" in results[full("Hanging"), PAIRS].verdict.output
    assert "in hang_here" in results[full("HangingAtConstruction"), PAIRS].verdict.output
    assert "miniatures.py" in results[full("Segfaulting"), PAIRS].verdict.output


def test_a_flood_is_noted_and_bounded(results: dict[tuple[str, str], Result]) -> None:
    output = results[full("Shouting"), PAIRS].verdict.output
    assert output.startswith("(the last 4,000 of 50,000,014 bytes)\n")
    assert output.endswith("\nthe last line\n")
    assert len(output) < 5000


def test_a_result_tells_what_it_is_about(spec: Catalogue) -> None:
    loader = LoaderInfo(full("Plain"), "", ())
    (result,) = judged(spec, [loader], ["a_sampler_is_left_alone"])
    assert (result.loader, result.requirement) == (full("Plain"), "a_sampler_is_left_alone")
    assert (result.chapter, result.level, result.basis) == ("choices", "MUST", "practice")
    assert result.sentence == "A loader MUST leave the sampler that it is given as it is."
    assert result.source == ("https://example.org/issues/1",)
    assert result.known == ""


def test_every_loader_is_judged_by_every_requirement(spec: Catalogue) -> None:
    loaders = [LoaderInfo(full(name), "", ()) for name in ("ExitingWithThree", "Plain")]
    results = judged(spec, loaders, [PAIRS, PROPERTY, "the_length_is_the_number_of_batches"])
    assert sorted((result.loader, result.requirement) for result in results) == sorted(
        (loader.name, name)
        for loader in loaders
        for name in (PAIRS, PROPERTY, "the_length_is_the_number_of_batches")
    )
    assert [r.outcome for r in results if r.loader == full("Plain")] == [Outcome.PASSED] * 3


def test_what_is_known_is_told_apart(spec: Catalogue) -> None:
    """What the adapter declares, and what is accepted by the user, whose word goes first."""
    deviations = (Deviation(PAIRS, "of the adapter"), Deviation(PROPERTY, "it did"))
    bad = LoaderInfo(full("DroppingLast"), "", (), deviations)
    good = LoaderInfo(full("Plain"), "", (), deviations)
    accepted = {(bad.name, PROPERTY): "of the user"}
    found = {
        (result.loader, result.requirement): (result.outcome, result.known)
        for result in judged(spec, [bad, good], [PAIRS, PROPERTY], known=accepted)
    }
    assert found == {
        (bad.name, PAIRS): (Outcome.KNOWN, "of the adapter"),
        (bad.name, PROPERTY): (Outcome.KNOWN, "of the user"),
        (good.name, PAIRS): (Outcome.UNEXPECTED_PASS, "of the adapter"),
        (good.name, PROPERTY): (Outcome.UNEXPECTED_PASS, "it did"),
    }


def test_what_a_library_documents_otherwise_is_no_defect(spec: Catalogue) -> None:
    deviation = Deviation(PAIRS, "as its page says", kind="documented")
    bad = LoaderInfo(full("DroppingLast"), "", (), (deviation,))
    (result,) = judged(spec, [bad], [PAIRS])
    assert (result.outcome, result.known) == (Outcome.DOCUMENTED, "as its page says")
    (result,) = judged(spec, [bad], [PAIRS], known={(bad.name, PAIRS): "of the user"})
    assert (result.outcome, result.known) == (Outcome.KNOWN, "of the user")


def test_what_is_so_with_one_start_method_is_known_with_that_one(spec: Catalogue) -> None:
    deviation = Deviation(PAIRS, "its workers are orphans", start_methods=("forkserver",))
    bad = LoaderInfo(full("DroppingLast"), "", (), (deviation,))
    (result,) = judged(spec, [bad], [PAIRS], start_method="forkserver")
    assert (result.outcome, result.known) == (Outcome.KNOWN, "its workers are orphans")
    (result,) = judged(spec, [bad], [PAIRS], start_method="fork")
    assert (result.outcome, result.known) == (Outcome.FAILED, "")


def test_what_is_known_of_what_is_not_claimed_stays_unsupported(spec: Catalogue) -> None:
    name = "drop_last_drops_the_short_batch"
    loader = LoaderInfo(full("Lengthless"), "", (), (Deviation(name, "it has none"),))
    (result,) = judged(spec, [loader], [name])
    assert result.outcome is Outcome.UNSUPPORTED


def test_loaders_are_described_without_being_imported_here(spec: Catalogue) -> None:
    torch, lengthless = describe(["torch", full("Lengthless"), "torch"])
    assert (torch.name, torch.deviations) == ("torch", torch.deviations)
    assert torch.version.startswith("2.")
    assert "num_workers" in torch.capabilities
    assert lengthless == LoaderInfo(
        full("Lengthless"),
        "",
        ("batch_size", "dataset", "empty_dataset", "iterable_dataset", "lazy_dataset"),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "tests.exiting_import:Loader",
            "the loader 'tests.exiting_import:Loader' cannot be used: the process that imported "
            "it ended with exit code 5; try `python -c 'import tests.exiting_import'`",
        ),
        (
            "tests.broken_import:Loader",
            "the loader 'tests.broken_import:Loader' cannot be used: "
            "ImportError: the extension was built for another Python",
        ),
    ],
)
def test_a_loader_that_cannot_be_had_is_wrong_use(spec: Catalogue, name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        describe([name])
    assert str(caught.value) == text


def test_an_import_that_does_not_end_is_wrong_use(
    spec: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMPORT_DEADLINE", 1)
    with pytest.raises(UsageError) as caught:
        describe(["tests.hanging_import:Loader"])
    assert str(caught.value) == (
        "the loader 'tests.hanging_import:Loader' cannot be used: the process that imported it "
        "was not over after 1 seconds; try `python -c 'import tests.hanging_import'`"
    )


def test_one_loader_that_cannot_be_had_does_not_wait_for_another(spec: Catalogue) -> None:
    """Two minutes would pass until the other's import is given up."""
    with pytest.raises(UsageError, match="no loader is called 'qqq'"):
        describe(["tests.hanging_import:Loader", "qqq"])
    assert multiprocessing.active_children() == []


def test_a_header_says_how_where_and_of_whom(spec: Catalogue) -> None:
    about = header(spec, [LoaderInfo("torch", "2.9", ("dataset",))], Settings(3, 7, 11.0))
    assert (about["seed"], about["examples"], about["deadline"]) == (3, 7, 11.0)
    assert about["pending"] == ["D1-005"]
    assert about["loaders"] == [{"name": "torch", "version": "2.9", "capabilities": ("dataset",)}]
    for key in ("started", "suite", "python", "torch", "platform", "accelerator"):
        assert about[key]


def test_output_is_kept_of_what_failed_and_made_fit_for_a_report() -> None:
    output = CONTROL + " Thread 0x00007f5ec1d2"
    kept = verdict_on(Ending(Verdict(Outcome.FAILED), returned=True, output=output)).output
    assert kept.endswith(r"\ud800 \r end Thread 0x…")
    assert "\x1b" not in kept
    assert verdict_on(Ending(Verdict(Outcome.PASSED), returned=True, output=output)).output == ""


def test_what_is_to_be_judged_alone_comes_last_with_nothing_beside_it(
    spec: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def noted(calls: list[Any], *, deadline: float, jobs: int = 1) -> Any:
        asked.append(([call.arguments[2] for call in calls], deadline, jobs))
        return isolated(calls, deadline=deadline, jobs=jobs)

    monkeypatch.setattr(module, "isolated", noted)
    requirements = [replace(spec.get(PAIRS), alone=True), spec.get(PROPERTY)]
    loader = LoaderInfo(full("Plain"), "", ())
    settings = Settings(examples=5, deadline=20)
    results = list(run(spec, [loader], requirements, settings, jobs=2))
    assert [result.requirement for result in results] == [PROPERTY, PAIRS]
    assert asked == [([PROPERTY], 20, 2), ([PAIRS], 120, 1)]
