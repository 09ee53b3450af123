"""The reference loader in the documents' literal reading: a lower-ranking argument is ignored."""

from functools import partial

from conformance.adapter import Adapter, adapter_for
from conformance.simulated import simulated_accelerator
from reference_loader import DataLoader, PadCollate


def adapter() -> Adapter:
    """Return the adapter of reference_loader.DataLoader with on_conflict="ignore"."""
    return adapter_for(
        "reference-ignore",
        partial(DataLoader, on_conflict="ignore"),
        distribution="dataloader-conformance",
        offers={"pad_collate": PadCollate, "accelerator": simulated_accelerator},
    )
