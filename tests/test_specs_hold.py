"""The specification can be met: by the reference loader, and by torch but for what is declared."""

import logging
from typing import Any

import pytest
from torch.utils.data import DataLoader

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.adapter import adapter_for
from conformance.catalogue import catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.outcome import Outcome
from conformance.processes import default_start_method
from conformance.requirement import Requirement

ALONE = "takes times, which tests beside it would change; nox -s gpu judges it"
REQUIREMENTS = list(catalogue().requirements.values())


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
@pytest.mark.parametrize("loader", ["reference", "reference-ignore"])
def test_the_reference_loader_meets_every_requirement(
    requirement: Requirement, loader: str
) -> None:
    if requirement.alone:
        pytest.skip(ALONE)
    verdict = judge(requirement, named(loader), Settings())
    if lacks_accelerator(verdict):
        # On a simulated device it is met: test_transfer_on_paper.py.
        pytest.skip(NO_ACCELERATOR)
    assert verdict.outcome is Outcome.PASSED, f"{verdict.message}\n{verdict.traceback}"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_torch_meets_every_requirement_but_those_declared(requirement: Requirement) -> None:
    if requirement.alone:
        pytest.skip(ALONE)
    adapter = named("torch")
    method = default_start_method()
    declared = {each.requirement for each in adapter.deviations if each.applies(method)}
    verdict = judge(requirement, adapter, Settings())
    if verdict.outcome is not Outcome.UNSUPPORTED:
        met = verdict.outcome is Outcome.PASSED
        assert met == (requirement.name not in declared), f"{verdict.message}\n{verdict.traceback}"


class Logging(DataLoader[Any]):
    """It warns in its library's log."""

    def __init__(self, dataset: Any, *, pin_memory: bool = False) -> None:
        super().__init__(dataset)
        if pin_memory:
            logging.getLogger("a.library").warning("pin_memory is of no use here")


def test_a_warning_may_be_logged() -> None:
    requirement = catalogue().get("pinning_in_vain_is_told")
    verdict = judge(requirement, adapter_for("logging", Logging), Settings())
    assert verdict.outcome is Outcome.PASSED, verdict.message
