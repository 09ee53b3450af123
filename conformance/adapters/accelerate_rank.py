"""Accelerate's prepared DataLoader as the first of two processes sees it."""

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader

from conformance.adapter import EVERY_CAPABILITY, Adapter
from conformance.adapters._inherited import inherited

DEVIATIONS = ()


def prepared(dataset: Any, **options: Any) -> Iterable[Any]:
    """Prepare torch's DataLoader."""
    from accelerate import PartialState
    from accelerate.data_loader import prepare_data_loader

    PartialState(cpu=True)
    return prepare_data_loader(DataLoader(dataset, **options), num_processes=2, process_index=0)  # type: ignore[no-any-return]


def adapter() -> Adapter:
    """Return the adapter of accelerate.data_loader.prepare_data_loader."""
    import accelerate  # noqa: F401 - that it is missing is told before anything is judged

    return Adapter(
        "accelerate-rank",
        prepared,
        EVERY_CAPABILITY,
        distribution="accelerate",
        called=DataLoader,
        deviations=(*inherited(), *DEVIATIONS),
    )
