"""The reference loader of this project."""

from conformance.adapter import Adapter, adapter_for
from conformance.simulated import simulated_accelerator
from reference_loader import DataLoader, PadCollate


def adapter() -> Adapter:
    """Return the adapter of reference_loader.DataLoader."""
    return adapter_for(
        "reference",
        DataLoader,
        distribution="dataloader-conformance",
        offers={"pad_collate": PadCollate, "accelerator": simulated_accelerator},
    )
