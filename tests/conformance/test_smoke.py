"""What is wrong with an adapter is told in a line, with its remedy, and the exit code says so."""

import re

import pytest

from tests.conformance.conftest import Command

ASKED = "asked Loader(Identity(size=10), batch_size=2)"
HAND = "call construct by hand with these arguments"


@pytest.mark.parametrize("loader", ["torch", "reference"])
def test_an_adapter_that_works(conformance: Command, loader: str) -> None:
    ended = conformance("smoke", "--loader", loader, "--deadline", "60")
    first, *rest = ended.out.splitlines()
    assert (ended.code, first.partition(" ")[0]) == (0, loader)
    assert rest == [f"it works: judge it with `conformance run --loader {loader}`"]


@pytest.mark.parametrize(
    ("loader", "what", "remedy"),
    [
        ("Refusing", f"construct raises, {ASKED}: ValueError: no", HAND),
        (
            "uniterable",
            "construct returns a int, which iter does not take: "
            "TypeError: 'int' object is not iterable",
            HAND,
        ),
        ("RaisingSystemExit", "it takes its process down, which ended with exit code 0", ""),
        ("Empty", f"it delivers nothing, {ASKED}", "return the loader, not consumed"),
        (
            "still_wrapped",
            f"it does not deliver the samples 0 to 9, {ASKED}: came [{{'sample': [0, 1]}}, "
            "{'sample': [2, 3]}, {'sample': [4, 5]}, {'sample': [6, 7]}, {'sample': [8, 9]}]",
            "take a batch of the samples out of what the loader delivers",
        ),
        (
            "once",
            "its second epoch delivers nothing",
            "return an object whose __iter__ begins an epoch, not a generator",
        ),
        (
            "claiming_nothing",
            "claims no kind of dataset",
            "add Capability.DATASET to its capabilities",
        ),
    ],
)
def test_one_that_does_not_work_at_all(
    conformance: Command, loader: str, what: str, remedy: str
) -> None:
    ended = conformance("smoke", "--loader", f"tests.miniatures:{loader}")
    lines = ended.out.splitlines()
    assert (ended.code, lines[1]) == (1, f"✗ {what}")
    assert remedy in lines[2].strip()
    assert lines[-1] == "1 wrong with the adapter: mend it before its loader is judged"


@pytest.mark.parametrize("loader", ["Hanging", "HangingAtConstruction"])
def test_one_that_hangs_is_stopped_and_told_where(conformance: Command, loader: str) -> None:
    ended = conformance("smoke", "--loader", f"tests.miniatures:{loader}", "--deadline", "2")
    assert ended.code == 1
    assert "✗ it hangs: it was not over after 2 s\n" in ended.out
    assert "in hang_here" in ended.out


def test_one_that_crashes_is_told_by_its_signal(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:Segfaulting")
    assert ended.code == 1
    assert "✗ it takes its process down, which was killed by SIGSEGV\n" in ended.out


@pytest.mark.parametrize(
    ("loader", "left"),
    [("leaking_a_process", r"process \d+"), ("leaking_a_thread", r"thread \d+ .+")],
)
def test_one_that_leaves_something_behind(conformance: Command, loader: str, left: str) -> None:
    ended = conformance("smoke", "--loader", f"tests.miniatures:{loader}")
    assert ended.code == 1
    assert re.search(f"✗ it leaves behind: {left}\n    end what construct starts", ended.out)


def test_one_that_claims_what_it_does_not_take(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:claiming")
    assert ended.code == 1
    assert (
        "✗ it claims shuffle and does not take it, asked Loader(Identity(size=10), shuffle=True): "
        "TypeError: make_plain() got an unexpected keyword argument 'shuffle'\n"
        "    have construct translate it, or take Capability.SHUFFLE off its capabilities\n"
    ) in ended.out


def test_one_that_claims_what_it_ignores(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:ignoring")
    assert ended.code == 1
    assert (
        "✗ it claims drop_last and shows no sign of it, asked "
        "Loader(Identity(size=10), batch_size=4, drop_last=True)\n"
        "    pass it on to the loader, or take Capability.DROP_LAST off its capabilities\n"
    ) in ended.out


def test_one_that_copies_the_dataset_and_claims_not_to(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:copying")
    assert ended.code == 1
    assert (
        "✗ it copies the whole dataset before it is iterated, and claims lazy_dataset\n"
        "    take Capability.LAZY_DATASET off its capabilities\n"
    ) in ended.out


def test_what_works_without_being_claimed_is_a_hint(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:modest")
    assert ended.code == 0
    assert ended.out.splitlines()[1:-1] == [
        "· it takes drop_last, and does not claim it",
        "    add Capability.DROP_LAST to its capabilities to have it judged",
    ]


def test_one_whose_distribution_is_not_installed(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "tests.miniatures:misnamed")
    assert ended.code == 1
    assert ended.out.splitlines()[1:] == [
        "✗ no report can say its version: no distribution 'no-such-package' is installed",
        "    call it as `pip list` does, or leave the adapter's distribution empty",
        "1 wrong with the adapter: mend it before its loader is judged",
    ]


def test_a_loader_that_is_not_there_is_wrong_use(conformance: Command) -> None:
    ended = conformance("smoke", "--loader", "no_such_module:adapter")
    assert "cannot be imported: no module 'no_such_module'" in ended.only_line
