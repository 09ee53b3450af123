"""The requirements that need an accelerator, judged on a simulated one, whose times are exact.

It shows that each check can be met, by the reference loader and by torch's, that it catches its
mutants, and that nothing passes for nothing. A real device is another matter.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

import conformance.accelerator
from conformance.accelerator import NO_ACCELERATOR, has_accelerator
from conformance.adapter import adapter_for
from conformance.catalogue import catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.mutation import mutated
from conformance.outcome import Outcome
from conformance.requirement import Mutant, Requirement
from tests.miniatures import Empty, Refusing
from tests.simulated_device import Device, simulated_device

CHAPTERS = ("transfer_memory", "transfer_copies", "transfer_overlap", "scenarios_transfer")
REQUIREMENTS = catalogue().select(CHAPTERS)
MUTANTS = [
    pytest.param(requirement, mutant, id=f"{requirement.name}-{mutant.name}")
    for requirement in REQUIREMENTS
    for mutant in requirement.mutants
]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr(conformance.accelerator, "FRESH", 1)  # on paper all times are the same
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that earlier tests have started do not survive a fork
    with simulated_device() as simulated:
        yield simulated
    torch.set_num_threads(threads)


def by_name(requirement: Requirement) -> str:
    return requirement.name


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=by_name)
@pytest.mark.parametrize("loader", ["reference", "torch"])
def test_it_is_met(requirement: Requirement, loader: str, device: Device) -> None:
    verdict = judge(requirement, named(loader), Settings())
    assert verdict.outcome is Outcome.PASSED, f"{verdict.message}\n{verdict.traceback}"


@pytest.mark.parametrize(("requirement", "mutant"), MUTANTS)
def test_it_catches_its_mutants(requirement: Requirement, mutant: Mutant, device: Device) -> None:
    verdict = judge(requirement, mutated(named("reference"), mutant), Settings())
    assert verdict.outcome is Outcome.FAILED, f"{verdict.message}\n{verdict.traceback}"
    assert verdict.message.startswith("it is not so that"), verdict.message


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=by_name)
@pytest.mark.parametrize("loader", [Empty, Refusing])
def test_it_is_not_met_by_a_loader_that_delivers_nothing(
    requirement: Requirement, loader: type, device: Device
) -> None:
    verdict = judge(requirement, adapter_for(loader.__name__, loader), Settings())
    assert verdict.outcome is Outcome.FAILED, f"{verdict.message}\n{verdict.traceback}"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=by_name)
def test_it_is_unsupported_where_everything_waits_for_everything(
    requirement: Requirement, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    verdict = judge(requirement, named("reference"), Settings())
    assert (verdict.outcome, verdict.message) == (
        Outcome.UNSUPPORTED,
        "CUDA_LAUNCH_BLOCKING is set, so that no copy is asynchronous and none can be judged; "
        "unset it",
    )


@pytest.mark.skipif(has_accelerator(), reason="there is an accelerator")
@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=by_name)
def test_it_is_unsupported_without_an_accelerator(requirement: Requirement) -> None:
    verdict: Any = judge(requirement, named("reference"), Settings())
    assert (verdict.outcome, verdict.message) == (Outcome.UNSUPPORTED, NO_ACCELERATOR)
