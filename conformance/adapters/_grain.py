"""What grain's two ways of loading have in common: how it batches, and that it reads ahead."""

from conformance.adapter import deviations

SOURCE = "https://github.com/google/grain/blob/v0.2.18/grain/_src"
BATCH = f"{SOURCE}/python/dataset/transformations/batch.py"
TREES = f"{SOURCE}/core/tree_lib.py"
READING = f"{SOURCE}/python/options.py"
DATASET = f"{SOURCE}/python/dataset/dataset.py"
PIPELINES = "https://github.com/google/grain/blob/v0.2.18/docs/tutorials/dataset_basic_tutorial.md"

OF_GRAIN = (
    *deviations(
        "batches are NumPy arrays, of whatever NumPy makes of the samples",
        f"{DATASET}#L433-L452",
        "numbers_become_one_tensor",
        "floats_do_not_depend_on_the_default_dtype",
        "tensors_are_stacked",
        "numpy_becomes_a_tensor_of_its_dtype",
        "text_and_bytes_stay_what_they_are",
        "samples_without_a_meaning_as_tensors_are_refused",
        "containers_are_kept_around_one_tensor_a_leaf",
        "named_tuples_keep_their_names",
        "without_batching_samples_are_converted_only",
        "batches_of_workers_are_as_those_of_the_main_process",
        "tensors_that_require_a_gradient_come_from_workers_too",
        kind="documented",
    ),
    *deviations(
        "samples of different lengths are refused with a ValueError, not a RuntimeError",
        f"{BATCH}#L214-L223",
        "tensors_of_different_lengths_need_a_collate_fn",
        kind="documented",
    ),
    *deviations(
        "sixteen threads read ahead unless read_options say otherwise",
        f"{READING}#L37-L51",
        "without_workers_nothing_is_loaded_before_it_is_asked_for",
        "without_workers_samples_are_fetched_by_the_caller",
        "fetching_in_bulk_changes_nothing",
        kind="documented",
    ),
    *deviations(
        "it has parameters and attributes of its own",
        PIPELINES,
        "every_documented_parameter_is_there",
        "the_dataset_and_the_batching_can_be_read",
        kind="documented",
    ),
    *deviations(
        "without JAX it cuts lists of a batch to the shortest: values are lost and nothing is said",
        f"{TREES}#L94-L99",
        "lists_of_different_lengths_are_refused",
    ),
    *deviations(
        "without JAX a batch of Counters is a TypeError, as arrays are counted",
        f"{TREES}#L100-L110",
        "counters_are_batched_like_dicts",
    ),
    *deviations(
        "a masked array is stacked without its mask, and the masked value is delivered as data",
        f"{BATCH}#L190",
        "masks_of_arrays_are_not_lost",
    ),
    *deviations(
        "a batch of one sample is a view of it, and to alter either alters the other",
        f"{BATCH}#L184-L189",
        "a_batch_of_a_table_belongs_to_the_caller",
    ),
    *deviations(
        "any drop_remainder and batch_fn are taken, and looked at when a batch is made",
        f"{BATCH}#L386-L403",
        "drop_last_has_to_be_true_or_false",
        "a_collate_fn_is_looked_at_before_it_is_needed",
    ),
)
