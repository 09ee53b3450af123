"""What Accelerate's prepared loaders have in common, however they are prepared."""

from conformance.adapter import deviations
from conformance.adapters._inherited import inherited

SOURCE = "https://github.com/huggingface/accelerate/blob/v1.15.0/src/accelerate/data_loader.py"
UNBATCHED = "https://github.com/huggingface/accelerate/issues/2392"

PREPARED = (
    *inherited(
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
        "no_batch_is_missing_after_a_death",
    ),
    *deviations(
        "it loads one batch more than it has delivered, as it has to know which is the last",
        f"{SOURCE}#L584-L608",
        "without_workers_nothing_is_loaded_before_it_is_asked_for",
        "indices_are_drawn_batch_by_batch",
        "batches_are_drawn_one_by_one",
        "no_more_is_loaded_ahead_than_was_asked_for",
        "of_an_endless_stream_no_more_is_taken_than_asked_for",
        kind="documented",
    ),
    *deviations(
        "it holds back one batch, and an error in the next takes it along: it is never delivered",
        f"{SOURCE}#L592-L602",
        "workers_end_when_a_loop_ends_in_an_error",
        "an_error_in_a_sample_comes_at_its_turn",
        "no_batch_is_missing_after_an_error",
        "an_error_keeps_its_type_and_message",
        "an_error_arrives_whatever_it_is_made_of",
        "an_error_does_not_outlive_its_epoch",
        "an_error_in_collate_fn_comes_at_its_turn",
        "an_error_in_a_stream_comes_at_its_turn",
        "an_error_in_a_sampler_comes_at_its_turn",
        "a_timeout_ends_the_wait",
        "an_interrupt_reaches_the_loop",
    ),
    *deviations(
        "a batch sampler has taken the place of batch_size, drop_last and sampler, which read as "
        "if they had not been given; its own total_batch_size and get_sampler tell",
        f"{SOURCE}#L1262-L1269",
        "the_dataset_and_the_batching_can_be_read",
        "samplers_and_functions_can_be_read",
        kind="documented",
    ),
    *deviations(
        "iter makes a generator, so that nothing begins before the first next",
        f"{SOURCE}#L577-L586",
        "workers_begin_when_an_epoch_begins",
    ),
)
