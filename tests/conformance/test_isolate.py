"""Whatever a call does to its process is a value."""

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from conformance.isolate import OUTPUT_KEPT, Call, Ending, isolated
from tests.miniatures import hang_here

pytestmark = pytest.mark.usefixtures("spec")  # it warms the fork server up


def ending_of(function: Callable[..., Any], *arguments: Any, deadline: float = 30.0) -> Ending:
    ((_, ending),) = isolated([Call(function, arguments)], deadline=deadline)
    return ending


def kill_itself(number: int) -> None:
    os.kill(os.getpid(), number)


def print_much(text: str, times: int) -> None:
    sys.stdout.write(text * times)
    sys.stdout.flush()
    os.write(2, b"the last line\n")


def interrupt_itself() -> str:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return "interrupted"
    return "not interrupted"


def patch_and_tell() -> bool:
    seen = hasattr(os, "a_patch")
    os.a_patch = True  # type: ignore[attr-defined]
    return seen


def read_standard_input() -> str:
    return sys.stdin.read()


def prepared() -> tuple[bool, bool]:
    return "conformance.priming" in sys.modules, gc.get_freeze_count() > 0


def take_memory(share: float) -> str:
    try:
        np.empty(int(share * psutil.virtual_memory().available), np.uint8)
    except MemoryError:
        return "refused"
    return "taken"


def raise_it(error: BaseException) -> None:
    raise error


def test_a_value_comes_back_from_another_process() -> None:
    ending = ending_of(os.getpid)
    assert ending.returned
    assert ending.value not in (None, os.getpid())
    assert (ending.death, ending.output) == ("", "")
    assert 0 < ending.seconds < 30


def test_none_is_a_value_too() -> None:
    ending = ending_of(time.sleep, 0)
    assert (ending.returned, ending.value, ending.death) == (True, None, "")


def test_a_process_begins_with_what_a_property_needs() -> None:
    assert ending_of(prepared).value == (True, True)


@pytest.mark.parametrize(("share", "outcome"), [(0.3, "taken"), (0.7, "refused")])
def test_no_process_gets_more_than_half_of_the_memory(share: float, outcome: str) -> None:
    assert ending_of(take_memory, share).value == outcome


def test_a_large_value_comes_back_whole() -> None:
    assert len(ending_of(bytes, 5_000_000).value) == 5_000_000


@pytest.mark.parametrize(
    ("function", "argument", "death"),
    [
        (os._exit, 0, "ended with exit code 0"),
        (os._exit, 3, "ended with exit code 3"),
        (sys.exit, 0, "ended with exit code 0"),
        (kill_itself, signal.SIGSEGV, "was killed by SIGSEGV"),
        (kill_itself, signal.SIGKILL, "was killed by SIGKILL"),
        (kill_itself, signal.SIGRTMIN + 3, f"was killed by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_a_death_is_told_in_words(function: Callable[..., Any], argument: int, death: str) -> None:
    ending = ending_of(function, argument)
    assert (ending.returned, ending.death) == (False, death)


def test_a_crash_shows_where_it_happened() -> None:
    output = ending_of(kill_itself, signal.SIGSEGV).output
    assert "Segmentation fault" in output
    assert "in kill_itself" in output


def test_an_exception_of_the_function_is_a_death_with_its_traceback() -> None:
    ending = ending_of(raise_it, ValueError("of the function"))
    assert ending.death == "ended with exit code 1"
    assert "ValueError: of the function" in ending.output


def test_what_does_not_end_is_ended_and_shows_where_it_was() -> None:
    ending = ending_of(hang_here, deadline=1)
    assert (ending.returned, ending.death) == (False, "")
    assert 1 <= ending.seconds < 20
    assert "in hang_here" in ending.output


def test_the_end_of_a_long_output_is_kept() -> None:
    ending = ending_of(print_much, "." * 999 + "\n", 50_000)
    assert ending.returned
    head, _, kept = ending.output.partition("\n")
    assert head == "(the last 4,000 of 50,000,014 bytes)"
    assert len(kept) == OUTPUT_KEPT
    assert kept.endswith("....\nthe last line\n")


def test_output_that_is_no_text_is_shown_as_far_as_it_is() -> None:
    assert ending_of(os.write, 1, b"\xff ok").output == "\N{REPLACEMENT CHARACTER} ok"


def test_a_call_finds_nothing_of_the_one_before() -> None:
    calls = [Call(patch_and_tell, ())] * 2
    assert [ending.value for _, ending in isolated(calls, deadline=30)] == [False, False]


def test_workers_start_inside_as_they_do_outside() -> None:
    ending = ending_of(multiprocessing.get_start_method, True)
    assert ending.value == multiprocessing.get_start_method(allow_none=True)


def test_there_is_nothing_to_read() -> None:
    ending = ending_of(read_standard_input)
    assert (ending.returned, ending.value) == (True, "")


def test_an_interrupt_inside_is_an_exception_as_usual() -> None:
    assert ending_of(interrupt_itself).value == "interrupted"


def test_calls_go_on_side_by_side_whatever_one_of_them_does() -> None:
    calls = [
        Call(hang_here, ()),
        Call(os._exit, (3,)),
        Call(abs, (-1,)),
        Call(kill_itself, (signal.SIGSEGV,)),
        Call(abs, (-2,)),
    ]
    endings = dict(isolated(calls, deadline=2, jobs=2))
    assert [endings[call].value for call in calls] == [None, None, 1, None, 2]
    assert [endings[call].death for call in calls] == [
        "",
        "ended with exit code 3",
        "",
        "was killed by SIGSEGV",
        "",
    ]


def test_calls_are_taken_only_when_there_is_room() -> None:
    taken: list[int] = []

    def calls() -> Iterator[Call]:
        for number in range(4):
            taken.append(number)
            yield Call(abs, (number,))

    endings = isolated(calls(), deadline=30, jobs=2)
    next(endings)
    assert taken == [0, 1]
    assert len(list(endings)) == 3
