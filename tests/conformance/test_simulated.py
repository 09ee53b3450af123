"""An accelerator that is not there: what torch says meanwhile, and what an adapter may offer."""

import pytest
import torch

from conformance.adapter import Adapter
from conformance.catalogue import catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.outcome import Outcome
from conformance.simulated import simulated_accelerator
from tests.miniatures import pinning, pinning_the_surface

KINDS = "pinning_keeps_the_kinds_of_containers"
CONTAINERS = "pinning_changes_no_container_in_place"


def test_while_it_lasts_torch_finds_it_and_tensors_pin_as_told() -> None:
    plainly = torch.accelerator.is_available, torch.accelerator.current_accelerator
    method = torch.Tensor.pin_memory
    with simulated_accelerator(lambda tensor: tensor + 1):
        assert torch.accelerator.is_available()
        assert torch.accelerator.current_accelerator() == torch.device("cuda")
        assert torch.accelerator.current_device_index() == 0
        assert torch.tensor([1]).pin_memory().tolist() == [2]
        assert torch.nn.Parameter(torch.ones(1)).pin_memory().tolist() == [2]
    assert (torch.accelerator.is_available, torch.accelerator.current_accelerator) == plainly
    assert torch.Tensor.pin_memory is method


def test_there_may_be_none() -> None:
    with simulated_accelerator(None):
        assert not torch.accelerator.is_available()
        assert torch.accelerator.current_accelerator() is None
        assert torch.tensor([1]).pin_memory().tolist() == [1]


def test_torch_is_as_before_also_after_an_error() -> None:
    method = torch.Tensor.pin_memory
    with pytest.raises(KeyError), simulated_accelerator(lambda tensor: tensor):
        raise KeyError
    assert torch.Tensor.pin_memory is method
    assert "pin_memory" not in vars(torch.Tensor)


@pytest.mark.parametrize(
    ("adapter", "name", "outcome"),
    [
        (pinning, KINDS, Outcome.PASSED),
        (pinning, CONTAINERS, Outcome.PASSED),
        (pinning_the_surface, KINDS, Outcome.FAILED),
        (pinning_the_surface, CONTAINERS, Outcome.PASSED),
        (named("tests.miniatures:Pinning"), KINDS, Outcome.UNSUPPORTED),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_adapter_may_offer_a_context_of_its_own(
    adapter: Adapter, name: str, outcome: Outcome
) -> None:
    verdict = judge(catalogue().get(name), adapter, Settings())
    assert verdict.outcome is outcome, verdict.message
    if outcome is Outcome.UNSUPPORTED:
        assert verdict.message == "offers no accelerator"
