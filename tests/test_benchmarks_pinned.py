"""The benchmarks that need an accelerator run on a simulated device; their times mean nothing."""

import pytest

from conformance.accelerator import has_accelerator
from conformance.adapter import adapter_for
from conformance.benchmark.declaration import Case, cases
from conformance.benchmark.measure import Settings, measure
from conformance.benchmark.record import Outcome
from conformance.loaders import named
from specs.benchmarks import pinned
from tests.miniatures import Empty
from tests.simulated_device import simulated_device

CASES = [case for name, case in cases("specs").items() if name.startswith("pinned.")]
QUICK = Settings().quick()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_measures_any_loader_that_delivers_and_no_other(case: Case) -> None:
    torch_, loop = named("torch"), adapter_for("loop", pinned.PlainLoop)
    with simulated_device():
        pinned.accelerator.cache_clear()
        reference, plain = (
            measure(case, each, torch_, QUICK).row for each in (named("reference"), loop)
        )
        empty = measure(case, adapter_for("empty", Empty), torch_, QUICK).row
    pinned.accelerator.cache_clear()
    with_workers = "num_workers=2" in case.name
    assert (reference.outcome, reference.message) == (Outcome.MEASURED, "")
    assert reference.limit_us
    assert (plain.outcome is Outcome.UNSUPPORTED) == with_workers, plain.message
    assert plain.outcome in (Outcome.MEASURED, Outcome.UNSUPPORTED), plain.message
    assert (empty.outcome, "did not deliver what it must" in empty.message) == (Outcome.ERROR, True)


@pytest.mark.skipif(has_accelerator(), reason="there is an accelerator")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_without_an_accelerator_nothing_is_measured(case: Case) -> None:
    row = measure(case, named("reference"), named("torch"), QUICK).row
    assert (row.outcome, row.message) == (Outcome.UNSUPPORTED, "no accelerator")
