"""PyTorch's own DataLoader."""

from torch.utils.data import DataLoader

from conformance.adapter import Adapter, adapter_for


def adapter() -> Adapter:
    """Return the adapter of torch.utils.data.DataLoader."""
    return adapter_for("torch", DataLoader, distribution="torch")
