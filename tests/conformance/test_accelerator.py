"""What a requirement asks of an accelerator, on a simulated device whose times are exact."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from conformance import accelerator as module
from conformance.accelerator import (
    NO_ACCELERATOR,
    Accelerator,
    Blocks,
    described,
    has_accelerator,
    lacks_accelerator,
    on_accelerator,
    typically,
)
from conformance.capability import Unsupported
from conformance.outcome import Outcome, Verdict
from conformance.simulated import simulated_accelerator
from conformance.subject import Subject
from tests.miniatures import pinning
from tests.simulated_device import CALL, MEGABYTE, PRODUCT, SPEED, Device, simulated_device

SUBJECT = Subject(pinning)
LITTLE = 50 * CALL  # what all the calls around a measurement take


@pytest.fixture
def device() -> Iterator[Device]:
    with simulated_device() as simulated:
        yield simulated


def block(megabytes: int) -> torch.Tensor:
    return Blocks(1, megabytes)[0]


def test_there_is_one_or_none() -> None:
    with simulated_accelerator(None):
        assert not has_accelerator()
    with simulated_accelerator(lambda tensor: tensor):
        assert has_accelerator()


def test_one_without_pinned_memory_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("mps"))
    assert not has_accelerator()
    assert described().startswith("no accelerator: Apple's MPS copies nothing (torch ")


def test_it_is_looked_for_without_waking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def look() -> bool:
        seen.append(os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK"))
        return False

    monkeypatch.setattr(torch.accelerator, "is_available", look)
    has_accelerator()
    assert seen == ["1"]
    assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in os.environ


def test_without_one_nothing_can_be_measured() -> None:
    with simulated_accelerator(None), pytest.raises(Unsupported, match=f"^{NO_ACCELERATOR}$"):
        Accelerator()
    with simulated_accelerator(None):
        assert described().startswith("no accelerator: this torch is built for none (torch ")


@pytest.mark.parametrize("name", ["CUDA_LAUNCH_BLOCKING", "HIP_LAUNCH_BLOCKING"])
def test_one_that_does_one_thing_after_the_other_is_refused(
    name: str, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0")
    Accelerator()
    monkeypatch.setenv(name, "1")
    with pytest.raises(Unsupported) as refused:
        Accelerator()
    assert str(refused.value) == (
        f"{name} is set, so that no copy is asynchronous and none can be judged; unset it"
    )


def test_work_takes_as_long_as_asked_for(device: Device) -> None:
    accelerator = Accelerator()
    for seconds in (0.01, 0.1):
        took = accelerator.seconds_of(lambda seconds=seconds: accelerator.work(seconds))  # type: ignore[misc]
        assert abs(took - seconds) <= PRODUCT + LITTLE


def test_work_is_queued_and_waited_for(device: Device) -> None:
    accelerator = Accelerator()
    before = device.now
    accelerator.work(0.1)
    assert device.now - before < 0.01
    assert abs(accelerator.wall_of(lambda: accelerator.work(0.1)) - 0.1) <= PRODUCT + 250 * CALL


def test_a_pinned_copy_returns_behind_work_and_another_does_not(device: Device) -> None:
    accelerator = Accelerator()
    share, busy = accelerator.behind_work(block(16).pin_memory(), 0.1)
    assert (share < 0.01, busy) == (True, True)
    for host, options in [(block(16), {}), (block(16).pin_memory(), {"non_blocking": False})]:
        share, busy = accelerator.behind_work(host, 0.1, **options)
        assert (share > 0.9, busy) == (True, False)


def test_a_copy_arrives_and_takes_its_time(device: Device) -> None:
    accelerator = Accelerator()
    host = Blocks(3, 16)[2].pin_memory()
    took = accelerator.seconds_of(lambda: accelerator.copy(host))
    assert abs(took - 16 * MEGABYTE / SPEED) <= LITTLE
    copied = accelerator.copy(host)
    torch.accelerator.synchronize()
    assert copied.tolist() == host.tolist()


def test_another_stream_runs_beside_the_current_one(device: Device) -> None:
    accelerator = Accelerator()
    current = torch.accelerator.current_stream()

    def apart() -> None:
        with accelerator.another_stream():
            accelerator.work(0.1)
        accelerator.work(0.1)

    def after() -> None:
        with accelerator.another_stream():
            accelerator.work(0.1)
            done = accelerator.mark()
        done.wait()
        accelerator.work(0.1)

    assert 0.09 < accelerator.wall_of(apart) < 0.11
    assert 0.19 < accelerator.wall_of(after) < 0.21
    assert torch.accelerator.current_stream() is current


def test_pinned_allocations_are_counted_where_torch_counts_them(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    accelerator = Accelerator()
    before = accelerator.pinned_allocations()
    kept = [block(32).pin_memory() for _ in range(3)]
    assert accelerator.pinned_allocations() == before + 3
    kept.clear()
    block(32).pin_memory()
    assert accelerator.pinned_allocations() == before + 3
    monkeypatch.delattr(torch.cuda, "host_memory_stats")
    with pytest.raises(Unsupported, match="this torch does not count pinned allocations"):
        accelerator.pinned_allocations()
    accelerator.device = torch.device("xpu")
    with pytest.raises(Unsupported, match="pinned allocations are counted on CUDA only"):
        accelerator.pinned_allocations()


def process_of(subject: Subject, accelerator: Accelerator, number: int) -> tuple[int, int]:
    return os.getpid(), number


def die(subject: Subject, accelerator: Accelerator) -> Any:
    os._exit(3)


def test_each_measurement_has_a_process_of_its_own(device: Device) -> None:
    answers = [on_accelerator(SUBJECT, process_of, number) for number in (1, 2)]
    assert [number for _, number in answers] == [1, 2]
    assert len({os.getpid(), *(pid for pid, _ in answers)}) == 3


def test_a_process_that_dies_is_a_failure_and_says_so(device: Device) -> None:
    with pytest.raises(AssertionError, match="the process that used the accelerator: died with 3"):
        on_accelerator(SUBJECT, die)


def test_that_there_is_none_is_told_by_the_process() -> None:
    with simulated_accelerator(None), pytest.raises(Unsupported, match=f"^{NO_ACCELERATOR}$"):
        on_accelerator(SUBJECT, process_of, 1)


@pytest.mark.parametrize(
    ("answers", "typical"), [([0.1, 9.0, 0.2], 0.2), ([9.0, 0.1, 9.0], 9.0), ([9, 8, 7], 8)]
)
def test_what_is_beyond_a_limit_in_two_of_three_is_so_typically(
    answers: list[float], typical: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(answers)
    monkeypatch.setattr(module, "on_accelerator", lambda *arguments: next(left))
    assert typically(SUBJECT, lambda *arguments: 0.0) == typical


def test_blocks_are_full_of_their_index_and_as_large_as_asked_for() -> None:
    sample = Blocks(3, 2)[2]
    assert (sample.nbytes, bool((sample == 2).all())) == (2 * 2**20, True)
    assert len(Blocks(3, 2)) == 3


@pytest.mark.parametrize(
    ("verdict", "lacks"),
    [
        (Verdict(Outcome.UNSUPPORTED, NO_ACCELERATOR), True),
        (Verdict(Outcome.UNSUPPORTED, "needs shuffle"), False),
        (Verdict(Outcome.FAILED, NO_ACCELERATOR), False),
    ],
)
def test_a_verdict_tells_whether_there_was_none(verdict: Verdict, lacks: bool) -> None:
    assert lacks_accelerator(verdict) == lacks
