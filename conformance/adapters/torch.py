"""PyTorch's own DataLoader, and where it does not keep what its users rely on."""

from torch.utils.data import DataLoader

from conformance.adapter import Adapter, adapter_for
from conformance.adapters._inherited import OF_TORCH
from conformance.simulated import simulated_accelerator


def adapter() -> Adapter:
    """Return the adapter of torch.utils.data.DataLoader."""
    return adapter_for(
        "torch",
        DataLoader,
        distribution="torch",
        deviations=OF_TORCH,
        offers={"accelerator": simulated_accelerator},
    )
