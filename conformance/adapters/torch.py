"""PyTorch's own DataLoader, and where it does not keep what its users rely on.

How it is seeded, and when an epoch ends, is what the specification asks for.
https://docs.pytorch.org/docs/2.13/data.html
"""

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
