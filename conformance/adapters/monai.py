"""MONAI's ThreadDataLoader, a DataLoader that is iterated in a thread.

Seeding is torch's: its documents promise "appropriate random state managements" for MONAI's own
random transforms, of which there are none here. An epoch ends when the thread that iterates the
DataLoader has ended and its buffer is empty.
https://github.com/Project-MONAI/MONAI/blob/1.6.1/monai/data/dataloader.py#L31-L40
"""

from conformance.adapter import Adapter, adapter_for, deviations
from conformance.adapters._inherited import inherited

MONAI = "https://github.com/Project-MONAI/MONAI/blob/1.6.1/monai/data"
THREAD = f"{MONAI}/thread_buffer.py"
LOADER = f"{MONAI}/dataloader.py"
COLLATION = f"{MONAI}/utils.py"

DEVIATIONS = (
    *inherited(
        "a_collate_fn_is_looked_at_before_it_is_needed",
        "counters_are_batched_like_dicts",
        "no_batch_is_missing_after_a_death",
    ),
    *deviations(
        "an error ends its thread, and the epoch as if that were all the data; nothing is raised",
        f"{THREAD}#L48-L80",
        "a_dataset_that_lacks_a_method_is_not_taken_for_empty",
        "samples_without_a_meaning_as_tensors_are_refused",
        "tensors_of_different_lengths_need_a_collate_fn",
        "a_sampler_has_to_be_iterable",
        "a_batch_sampler_has_to_give_batches",
        "a_collate_fn_has_to_be_callable",
        "a_collate_fn_is_looked_at_before_it_is_needed",
        "workers_end_when_a_loop_ends_in_an_error",
        "an_error_in_a_sample_comes_at_its_turn",
        "an_error_keeps_its_type_and_message",
        "an_error_arrives_whatever_it_is_made_of",
        "an_error_does_not_outlive_its_epoch",
        "an_error_in_collate_fn_comes_at_its_turn",
        "an_error_in_a_stream_comes_at_its_turn",
        "an_error_in_a_sampler_comes_at_its_turn",
        "a_worker_that_cannot_be_initialised_is_an_error",
        "a_worker_that_dies_in_a_sample_is_an_error",
        "a_death_is_found_in_any_thread",
        "a_timeout_ends_the_wait",
    ),
    *deviations(
        "with batch_size=None, too, its collation takes the sample for a list of them; the error "
        "ends the epoch unseen",
        f"{LOADER}#L89-L90",
        "without_batch_size_samples_come_bare",
        "length_without_batching_is_the_number_of_samples",
        "without_batching_samples_are_converted_only",
        "without_batches_there_is_none_to_drop",
        "workers_take_batches_and_samples_as_they_are_chosen",
        "shares_of_a_stream_make_up_the_whole",
    ),
    *deviations(
        "samples that are lists are taken for batches, and merged into one",
        f"{COLLATION}#L457-L473",
        "containers_are_kept_around_one_tensor_a_leaf",
        "lists_of_different_lengths_are_refused",
        kind="documented",
    ),
    *deviations(
        "its thread loads ahead of the caller, buffer_size and the batch in hand",
        f"{THREAD}#L137-L170",
        "without_workers_nothing_is_loaded_before_it_is_asked_for",
        "without_workers_samples_are_fetched_by_the_caller",
        "indices_are_drawn_batch_by_batch",
        "batches_are_drawn_one_by_one",
        "no_more_is_loaded_ahead_than_was_asked_for",
        "of_an_endless_stream_no_more_is_taken_than_asked_for",
        kind="documented",
    ),
    *deviations(
        "iter makes a generator, so that nothing begins before the first next",
        f"{THREAD}#L198-L199",
        "workers_begin_when_an_epoch_begins",
    ),
    *deviations(
        "its own parameters come by position, the DataLoader's by **kwargs, which torch's checks",
        f"{THREAD}#L168-L186",
        "every_documented_parameter_is_there",
        "positions_mean_what_they_mean_in_the_documents",
        "further_parameters_are_by_keyword_and_optional",
        "unknown_keywords_are_not_swallowed",
        kind="documented",
    ),
    *deviations(
        "without workers its constructor sets the generator, or torch's own, back to its seed",
        f"{LOADER}#L80-L88",
        "being_made_changes_no_random_state",
    ),
    *deviations(
        "another object than a torch.Generator is an AttributeError",
        f"{LOADER}#L84-L85",
        "a_generator_has_to_be_one_of_torch",
    ),
)


def adapter() -> Adapter:
    """Return the adapter of monai.data.ThreadDataLoader."""
    from monai.data import ThreadDataLoader

    return adapter_for("monai", ThreadDataLoader, distribution="monai", deviations=DEVIATIONS)
