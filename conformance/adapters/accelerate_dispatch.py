"""Accelerate's dispatcher: the main process loads, and hands each process its part.

Asked with `dispatch_batches=True`, which needs `put_on_device=True`, in one process on the CPU.
Seeding is torch's, unless use_seedable_sampler says otherwise, and an epoch ends with the main
process' DataLoader:
https://huggingface.co/docs/accelerate/v1.15.0/en/package_reference/torch_wrappers
"""

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader

from conformance.adapter import EVERY_CAPABILITY, Adapter, deviations
from conformance.adapters._accelerate import PREPARED, SOURCE

DEVIATIONS = (
    *(known for known in PREPARED if known.requirement not in ("batches_may_be_kept",)),
    *deviations(
        "a loader without batches is a ValueError when it is iterated, instead of an empty epoch",
        f"{SOURCE}#L907-L910",
        "an_epoch_is_the_dataset_in_order",
        "shuffle_false_is_the_default_order",
        "a_sequential_sampler_keeps_the_order",
        "every_epoch_is_the_same_without_shuffle",
        "an_exhausted_iterator_stays_exhausted",
        "samples_are_grouped_in_order",
        "drop_last_discards_only_the_short_batch",
        "by_default_a_batch_holds_one_sample",
        "without_batch_size_samples_come_bare",
        "indices_are_grouped_as_the_sampler_yields_them",
        "length_is_the_number_of_batches",
        "length_leaves_out_the_dropped_batch",
        "length_without_batching_is_the_number_of_samples",
        "length_follows_the_sampler",
        "length_follows_a_growing_dataset",
        "a_sample_is_fetched_once_an_epoch",
        "a_sampler_decides_order_repeats_and_omissions",
        "no_key_of_a_sampler_ends_it_or_is_left_out",
        "a_batch_sampler_decides_every_batch",
        "a_batch_sampler_decides_the_length",
        "a_collate_fn_gets_the_list_of_its_batch",
        "the_result_of_a_collate_fn_is_delivered_itself",
        "without_batching_a_collate_fn_gets_the_bare_sample",
        "tensors_are_stacked",
        "a_sampler_is_not_shuffled",
        "shuffle_false_is_welcome_beside_a_sampler",
        "shuffle_false_is_welcome_beside_a_batch_sampler",
        "a_batch_sampler_outranks_batch_size",
        "a_batch_sampler_outranks_batching_switched_off",
        "a_batch_sampler_is_not_shuffled",
        "a_batch_sampler_outranks_a_sampler",
        "a_batch_sampler_outranks_drop_last",
        "a_batch_sampler_outranks_all_the_rest_together",
        "workers_do_not_change_an_epoch",
        "a_stream_is_delivered_in_its_order",
        "a_stream_may_be_its_own_iterator",
        "a_stream_may_come_sample_by_sample",
        "a_stream_that_has_a_length_gives_the_loader_one",
    ),
    *deviations(
        "only batches of tensors, in lists, tuples and dicts, can be dispatched: a TypeError else",
        f"{SOURCE}#L1059-L1061",
        "any_object_may_be_a_sample",
        "a_dataset_is_asked_with_plain_integers",
        "a_dataset_is_asked_with_what_the_sampler_yields",
        "a_collate_fn_is_called_once_a_batch_where_the_batch_was_loaded",
        "without_batching_samples_are_converted_only",
        "text_and_bytes_stay_what_they_are",
        "without_batches_there_is_none_to_drop",
        "workers_fetch_and_collate",
        "one_worker_makes_a_whole_batch",
        "a_worker_knows_its_number_and_its_dataset",
        "a_worker_knows_its_seed",
        "no_two_workers_draw_the_same_random_numbers",
        "equal_seeds_repeat_what_workers_draw",
        "a_worker_init_fn_has_the_last_word_on_seeds",
        "workers_are_started_as_multiprocessing_context_says",
        "workers_may_come_from_a_fork_server",
        "batches_of_workers_are_as_those_of_the_main_process",
        "whatever_a_collate_fn_returns_arrives_from_a_worker",
        "workers_take_batches_and_samples_as_they_are_chosen",
        "shares_of_a_stream_make_up_the_whole",
        "what_cannot_be_sent_to_workers_is_named",
        "a_collate_fn_has_to_be_callable",
        "random_keys_are_plain_integers",
        "a_collate_fn_gets_the_samples_of_a_table",
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
        kind="documented",
    ),
    *deviations(
        "its iterators share the flag that says that the data is over, so one ends another early",
        f"{SOURCE}#L884",
        "two_iterators_at_once_are_independent",
        "two_shuffled_iterators_at_once_are_independent",
    ),
    *deviations(
        "the generator stays with the sampler only; seeds for workers are drawn from torch's own",
        f"{SOURCE}#L1286-L1288",
        "a_generator_keeps_off_the_global_random_state",
        "a_seeded_order_is_that_of_torch",
        "an_epoch_draws_from_the_generator_as_in_torch",
    ),
)


def dispatched(dataset: Any, **options: Any) -> Iterable[Any]:
    """Prepare torch's DataLoader for dispatching to one process."""
    from accelerate import PartialState
    from accelerate.data_loader import prepare_data_loader

    PartialState(cpu=True)
    return prepare_data_loader(  # type: ignore[no-any-return]
        DataLoader(dataset, **options), put_on_device=True, dispatch_batches=True
    )


def adapter() -> Adapter:
    """Return the adapter of prepare_data_loader with dispatch_batches=True."""
    import accelerate  # noqa: F401 - that it is missing is told before anything is judged

    return Adapter(
        "accelerate-dispatch",
        dispatched,
        EVERY_CAPABILITY,
        distribution="accelerate",
        called=DataLoader,
        deviations=DEVIATIONS,
    )
