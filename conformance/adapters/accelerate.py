"""Accelerate's prepared DataLoader, in a single process.

Prepared by `prepare_data_loader`, as its documents show without an Accelerator. Everything is asked
of torch's DataLoader, which it takes to pieces and makes anew; a generator is passed on. Seeding is
torch's, unless use_seedable_sampler says otherwise, and an epoch ends with the DataLoader's:
https://huggingface.co/docs/accelerate/v1.15.0/en/package_reference/torch_wrappers
"""

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader

from conformance.adapter import EVERY_CAPABILITY, Adapter, deviations
from conformance.adapters._accelerate import PREPARED, SOURCE

DEVIATIONS = (
    *PREPARED,
    *deviations(
        "with batch_size=None the sampler is left behind, and samples come in the dataset's order",
        f"{SOURCE}#L1262-L1285",
        "without_batches_there_is_none_to_drop",
        "workers_take_batches_and_samples_as_they_are_chosen",
    ),
)


def prepared(dataset: Any, **options: Any) -> Iterable[Any]:
    """Prepare torch's DataLoader for one process."""
    from accelerate import PartialState
    from accelerate.data_loader import prepare_data_loader

    PartialState(cpu=True)
    return prepare_data_loader(DataLoader(dataset, **options))  # type: ignore[no-any-return]


def adapter() -> Adapter:
    """Return the adapter of accelerate.data_loader.prepare_data_loader."""
    import accelerate  # noqa: F401 - that it is missing is told before anything is judged

    return Adapter(
        "accelerate",
        prepared,
        EVERY_CAPABILITY,
        distribution="accelerate",
        called=DataLoader,
        deviations=DEVIATIONS,
    )
