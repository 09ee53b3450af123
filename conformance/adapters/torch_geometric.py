"""PyTorch Geometric's DataLoader, which makes one graph of several."""

from conformance.adapter import EVERY_CAPABILITY, Adapter
from conformance.adapters._inherited import inherited
from conformance.capability import Capability

DEVIATIONS = ()


def adapter() -> Adapter:
    """Return the adapter of torch_geometric.loader.DataLoader."""
    from torch_geometric.loader import DataLoader

    return Adapter(
        "torch-geometric",
        DataLoader,
        EVERY_CAPABILITY - {Capability.COLLATE_FN, Capability.UNBATCHED},
        distribution="torch_geometric",
        deviations=(*inherited(), *DEVIATIONS),
    )
