"""The specification can be met: by the reference loader, and by torch but for what is declared."""

import pytest

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.catalogue import catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.outcome import Outcome
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
    declared = {deviation.requirement for deviation in adapter.deviations}
    verdict = judge(requirement, adapter, Settings())
    if verdict.outcome is not Outcome.UNSUPPORTED:
        met = verdict.outcome is Outcome.PASSED
        assert met == (requirement.name not in declared), f"{verdict.message}\n{verdict.traceback}"
