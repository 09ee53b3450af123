"""torchdata's StatefulDataLoader, a DataLoader whose place in an epoch can be saved."""

from conformance.adapter import Adapter, adapter_for


def adapter() -> Adapter:
    """Return the adapter of torchdata.stateful_dataloader.StatefulDataLoader."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    return adapter_for("torchdata", StatefulDataLoader, distribution="torchdata")
