"""PyTorch Geometric's DataLoader, which makes one graph of several.

Its collation is its own, for its `Data` objects and for tensors, numbers, text and containers of
them. A collate_fn is dropped without a word, so none is claimed; a maintainer says why in
https://github.com/pyg-team/pytorch_geometric/pull/3613. Nor is doing without batches, as its
batch_size is an int. All else goes to torch's DataLoader, seeding and the end of an epoch with it;
with shuffle data is "reshuffled at every epoch".
https://pytorch-geometric.readthedocs.io/en/2.8.1/generated/torch_geometric.loader.DataLoader.html
"""

from conformance.adapter import EVERY_CAPABILITY, Adapter, deviations
from conformance.adapters._inherited import inherited
from conformance.capability import Capability

SOURCE = (
    "https://github.com/pyg-team/pytorch_geometric/blob/2.8.1/torch_geometric/loader/dataloader.py"
)

DEVIATIONS = (
    *inherited("counters_are_batched_like_dicts"),
    *deviations(
        "its collation takes no NumPy arrays and scalars: a TypeError",
        f"{SOURCE}#L24-L49",
        "a_dataset_needs_no_base_class",
        "any_iterable_is_a_sampler",
        "any_sequence_of_indices_is_a_batch",
        "numpy_becomes_a_tensor_of_its_dtype",
        "batches_of_workers_are_as_those_of_the_main_process",
        kind="documented",
    ),
    *deviations(
        "Python's floats become float32, and large ones inf",
        f"{SOURCE}#L36-L37",
        "numbers_become_one_tensor",
        "floats_do_not_depend_on_the_default_dtype",
        "named_tuples_keep_their_names",
        kind="documented",
    ),
    *deviations(
        "bytes are taken for lists of numbers, and collated number by number",
        f"{SOURCE}#L46-L47",
        "text_and_bytes_stay_what_they_are",
    ),
    *deviations(
        "lists of different lengths are cut to the shortest without a word",
        f"{SOURCE}#L46-L47",
        "lists_of_different_lengths_are_refused",
    ),
    *deviations(
        "some of the DataLoader's parameters come by **kwargs, which torch's checks, and its own "
        "by position",
        f"{SOURCE}#L58-L79",
        "every_documented_parameter_is_there",
        "positions_mean_what_they_mean_in_the_documents",
        "further_parameters_are_by_keyword_and_optional",
        "unknown_keywords_are_not_swallowed",
        kind="documented",
    ),
)


def adapter() -> Adapter:
    """Return the adapter of torch_geometric.loader.DataLoader."""
    from torch_geometric.loader import DataLoader

    return Adapter(
        "torch-geometric",
        DataLoader,
        EVERY_CAPABILITY - {Capability.COLLATE_FN, Capability.UNBATCHED},
        distribution="torch_geometric",
        deviations=DEVIATIONS,
    )
