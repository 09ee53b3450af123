"""The specification bites: each mutant is caught, and nothing passes for nothing."""

import pytest

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.adapter import adapter_for
from conformance.catalogue import catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.mutation import mutated
from conformance.outcome import Outcome
from conformance.requirement import Mutant, Requirement
from tests.miniatures import Empty, Refusing

ALONE = "takes times, which tests beside it would change; nox -s gpu judges it"
REQUIREMENTS = list(catalogue().requirements.values())
MUTANTS = [
    pytest.param(requirement, mutant, id=f"{requirement.name}-{mutant.name}")
    for requirement in REQUIREMENTS
    for mutant in requirement.mutants
]


def by_name(requirement: Requirement) -> str:
    return requirement.name


@pytest.mark.parametrize(("requirement", "mutant"), MUTANTS)
def test_a_mutant_is_caught_by_its_requirement(requirement: Requirement, mutant: Mutant) -> None:
    if requirement.alone:
        pytest.skip(ALONE)
    verdict = judge(requirement, mutated(named("reference"), mutant), Settings(), shrink=False)
    if lacks_accelerator(verdict):
        # On a simulated device it is caught: test_transfer_on_paper.py.
        pytest.skip(NO_ACCELERATOR)
    assert verdict.outcome is Outcome.FAILED, f"{verdict.message}\n{verdict.traceback}"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=by_name)
@pytest.mark.parametrize("loader", [Empty, Refusing])
def test_no_requirement_is_met_by_a_loader_that_delivers_nothing(
    requirement: Requirement, loader: type
) -> None:
    verdict = judge(requirement, adapter_for(loader.__name__, loader), Settings(), shrink=False)
    assert verdict.outcome in (Outcome.FAILED, Outcome.UNSUPPORTED), verdict.message
