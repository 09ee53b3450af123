"""The rows of Hugging Face datasets: named columns, made of samples of any shape."""

from typing import Any

from conformance.adapter import deviations

SOURCE = "https://github.com/huggingface/datasets/blob/5.2.0/src/datasets"
FORMATTER = f"{SOURCE}/formatting/torch_formatter.py"
DOWNCAST = "https://github.com/huggingface/datasets/issues/5517"
DOCS = "https://github.com/huggingface/datasets/blob/5.2.0/docs/source"
MAP_OR_STREAM = f"{DOCS}/about_mapstyle_vs_iterable.mdx"
WITH_TORCH = f"{DOCS}/use_with_pytorch.mdx"

OF_DATASETS = (
    *deviations(
        "the torch format makes int64 of any integer and float32 of any float: 1e300 is infinite",
        DOWNCAST,
        "numbers_become_one_tensor",
        "floats_do_not_depend_on_the_default_dtype",
        "numpy_becomes_a_tensor_of_its_dtype",
    ),
    *deviations(
        "a mask is dropped, and the masked value is delivered as data",
        f"{FORMATTER}#L98-L100",
        "masks_of_arrays_are_not_lost",
    ),
    *deviations(
        "a list is one value, stacked where all are of one length, and left a list where not",
        WITH_TORCH,
        "containers_are_kept_around_one_tensor_a_leaf",
        "lists_of_different_lengths_are_refused",
        "samples_are_the_same_after_an_epoch",
        "tensors_of_different_lengths_need_a_collate_fn",
        kind="documented",
    ),
    *deviations(
        "rows are of named columns, and so are batches: None is a value, a tuple has no class",
        WITH_TORCH,
        "samples_without_a_meaning_as_tensors_are_refused",
        "named_tuples_keep_their_names",
        kind="documented",
    ),
    *deviations(
        "without a seed entropy is taken from the operating system",
        f"{SOURCE}/arrow_dataset.py#L4893-L4896",
        "without_a_generator_the_global_seed_decides",
        kind="documented",
    ),
    *deviations(
        "it has parameters and attributes of its own",
        MAP_OR_STREAM,
        "every_documented_parameter_is_there",
        "the_dataset_and_the_batching_can_be_read",
        kind="documented",
    ),
)


def row(sample: Any) -> dict[str, Any]:
    """Return a sample as named columns."""
    if isinstance(sample, dict):
        return sample
    if isinstance(sample, tuple):
        return {f"place {place}": field for place, field in enumerate(sample)}
    return {"sample": sample}


def unnamed(batch: dict[str, Any]) -> Any:
    """Return a batch without the names that a row was given."""
    if set(batch) == {"sample"}:
        return batch["sample"]
    return list(batch.values()) if "place 0" in batch else batch
