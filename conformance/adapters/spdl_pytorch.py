"""SPDL's loader with the DataLoader's keywords, `get_pytorch_dataloader`."""

from collections.abc import Iterable
from typing import Any

from conformance.adapter import EVERY_CAPABILITY, Adapter
from conformance.capability import Capability

DEVIATIONS = ()


def loader(dataset: Any, **options: Any) -> Iterable[Any]:
    """Construct it."""
    from spdl.dataloader import get_pytorch_dataloader

    options.setdefault("in_order", True)
    if "batch_sampler" in options:
        options.setdefault("batch_size", None)
    return get_pytorch_dataloader(dataset, **options)  # type: ignore[no-any-return]


def adapter() -> Adapter:
    """Return the adapter of spdl.dataloader.get_pytorch_dataloader."""
    from spdl.dataloader import get_pytorch_dataloader

    return Adapter(
        "spdl-pytorch",
        loader,
        EVERY_CAPABILITY
        - {
            Capability.ITERABLE_DATASET,
            Capability.WORKER_INIT_FN,
            Capability.PERSISTENT_WORKERS,
            Capability.PIN_MEMORY_DEVICE,
        },
        distribution="spdl-core",
        called=get_pytorch_dataloader,
        deviations=DEVIATIONS,
    )
