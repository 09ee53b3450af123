"""Accelerate's prepared DataLoader as the first of two processes has it, without a process group.

Prepared by `prepare_data_loader` with num_processes=2 and process_index=0. A process has every
second batch, and batches from the beginning once more where the other would have one more than it:
so most of what is asked of a loader that has the data to itself is documented otherwise here.
That is how an epoch ends, by even_batches; processes shuffle alike by a generator that is kept in
step, or by use_seedable_sampler:
https://huggingface.co/docs/accelerate/v1.15.0/en/package_reference/torch_wrappers
"""

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader

from conformance.adapter import EVERY_CAPABILITY, Adapter, deviations
from conformance.adapters._accelerate import SOURCE, UNBATCHED
from conformance.adapters._inherited import inherited

HALF = """
    an_epoch_is_the_dataset_in_order shuffle_false_is_the_default_order
    a_sequential_sampler_keeps_the_order every_epoch_is_the_same_without_shuffle
    an_epoch_left_early_does_not_shorten_the_next an_exhausted_iterator_stays_exhausted
    two_iterators_at_once_are_independent two_shuffled_iterators_at_once_are_independent
    samples_are_grouped_in_order the_short_last_batch_is_kept_by_default
    drop_last_discards_only_the_short_batch drop_last_with_shuffle_keeps_full_batches
    by_default_a_batch_holds_one_sample a_batch_belongs_to_the_caller
    indices_are_grouped_as_the_sampler_yields_them a_kept_batch_is_not_overwritten
    length_is_the_number_of_batches length_leaves_out_the_dropped_batch
    length_follows_a_growing_dataset length_follows_the_sampler
    without_workers_samples_are_fetched_by_the_caller
    without_workers_nothing_is_loaded_before_it_is_asked_for indices_are_drawn_batch_by_batch
    a_sample_is_fetched_once_an_epoch fetching_in_bulk_changes_nothing
    a_dataset_needs_no_base_class a_dataset_that_lacks_a_method_is_not_taken_for_empty
    data_and_labels_stay_together any_object_may_be_a_sample
    a_dataset_is_asked_with_plain_integers a_dataset_is_asked_with_what_the_sampler_yields
    a_shuffled_epoch_delivers_every_sample_once a_shuffle_moves_samples_anywhere
    a_shuffle_parts_neighbours all_orders_are_equally_likely
    without_shuffle_the_seed_changes_nothing equal_seeds_give_equal_epochs
    a_seed_shuffles_alike_in_every_process seeding_again_starts_the_epochs_over
    the_batch_size_leaves_the_order_alone one_seed_repeats_split_and_shuffle
    a_generator_alone_does_not_shuffle a_generator_keeps_off_the_global_random_state
    a_seeded_order_is_that_of_torch any_iterable_is_a_sampler
    a_sampler_decides_order_repeats_and_omissions a_sampler_is_started_once_an_epoch
    no_key_of_a_sampler_ends_it_or_is_left_out a_change_of_the_sampler_shows_in_the_next_epoch
    a_random_sampler_brings_every_sample_once weights_balance_the_classes
    a_weighted_sampler_decides_how_many_samples_come distributed_samplers_cover_the_dataset
    any_sequence_of_indices_is_a_batch a_batch_sampler_decides_every_batch
    batches_are_drawn_one_by_one a_collate_fn_gets_the_list_of_its_batch
    a_batch_sampler_decides_the_length the_result_of_a_collate_fn_is_delivered_itself
    a_collate_fn_is_called_once_a_batch_where_the_batch_was_loaded numbers_become_one_tensor
    tensors_are_stacked numpy_becomes_a_tensor_of_its_dtype
    numbers_of_several_kinds_keep_their_value text_and_bytes_stay_what_they_are
    pairs_come_as_a_batch_of_each containers_are_kept_around_one_tensor_a_leaf
    tensors_of_different_lengths_need_a_collate_fn a_sorting_collate_fn_pads_each_batch_by_itself
    padded_texts_stay_in_order_beside_their_labels every_documented_parameter_is_there
    the_dataset_comes_first_and_is_all_that_is_required parameters_keep_the_documented_order
    positions_mean_what_they_mean_in_the_documents defaults_are_those_of_the_documents
    a_loader_without_options_goes_by_the_defaults further_parameters_are_by_keyword_and_optional
    unknown_keywords_are_not_swallowed batch_size_has_to_count_something
    drop_last_has_to_be_true_or_false a_sampler_has_to_be_iterable
    a_batch_sampler_has_to_give_batches a_collate_fn_has_to_be_callable
    a_generator_has_to_be_one_of_torch num_workers_has_to_be_a_count
    prefetch_factor_has_to_be_a_count timeout_has_to_be_a_duration
    multiprocessing_context_has_to_be_one persistent_workers_needs_workers
    multiprocessing_context_needs_workers prefetch_factor_needs_workers a_sampler_is_not_shuffled
    shuffle_false_is_welcome_beside_a_sampler shuffle_false_is_welcome_beside_a_batch_sampler
    a_batch_sampler_outranks_batch_size a_batch_sampler_outranks_batching_switched_off
    a_batch_sampler_is_not_shuffled a_batch_sampler_outranks_a_sampler
    a_batch_sampler_outranks_drop_last a_batch_sampler_outranks_all_the_rest_together
    the_libraries_stay_as_they_were the_settings_stay_as_they_were
    what_it_is_given_stays_as_it_was the_dataset_and_the_batching_can_be_read
    samplers_and_functions_can_be_read several_batches_are_made_at_the_same_time
    workers_fetch_and_collate one_worker_makes_a_whole_batch
    as_many_processes_load_as_there_are_workers a_worker_knows_its_number_and_its_dataset
    a_worker_knows_its_seed equal_seeds_repeat_what_workers_draw
    no_two_workers_draw_the_same_random_numbers each_worker_is_initialised_once_before_it_loads
    a_worker_init_fn_has_the_last_word_on_seeds
    workers_have_the_dataset_as_it_is_when_an_epoch_begins
    what_workers_do_to_the_dataset_stays_with_them
    workers_are_started_as_multiprocessing_context_says
    a_worker_init_fn_prepares_the_dataset_of_its_worker
    batches_of_workers_are_as_those_of_the_main_process
    whatever_a_collate_fn_returns_arrives_from_a_worker a_batch_that_is_kept_stays_as_it_was
    workers_may_come_from_a_fork_server workers_do_not_change_an_epoch
    workers_do_not_change_a_shuffle with_workers_a_sampler_is_started_once_an_epoch
    a_slow_batch_is_delivered_at_its_turn without_an_order_every_batch_still_comes_once
    without_an_order_a_slow_batch_holds_up_no_other
    batches_are_loaded_while_the_main_process_is_busy as_much_is_loaded_ahead_as_was_asked_for
    several_batches_are_under_way_while_the_main_process_is_busy
    workers_begin_when_an_epoch_begins no_more_is_loaded_ahead_than_was_asked_for
    a_stream_is_delivered_in_its_order a_stream_may_be_its_own_iterator
    a_stream_that_has_ended_is_not_asked_again a_stream_cannot_be_reordered
    of_an_endless_stream_no_more_is_taken_than_asked_for
    a_stream_without_a_length_gives_the_loader_none
    a_stream_that_has_a_length_gives_the_loader_one a_batch_is_of_one_share_in_its_order
    the_order_of_shares_does_not_depend_on_their_speed drop_last_drops_the_end_of_a_share_at_most
    an_unshared_stream_is_delivered_whole worker_init_fn_can_share_a_stream_out
    an_endless_stream_can_be_shared_and_left each_worker_begins_and_ends_its_share_once
    persistent_workers_serve_every_epoch workers_last_an_epoch_by_default
    persistent_workers_follow_the_sampler new_workers_see_the_dataset_as_it_is
    persistent_workers_agree_on_the_dataset loops_of_workers_may_be_nested
    an_epoch_left_early_is_not_continued an_epoch_leaves_nothing_behind
    workers_end_when_a_loop_ends_in_an_error persistent_workers_end_with_their_loader
    many_loaders_in_a_row_run_out_of_nothing an_error_in_a_sample_comes_at_its_turn
    no_batch_is_missing_after_an_error an_error_keeps_its_type_and_message
    an_error_arrives_whatever_it_is_made_of an_error_does_not_outlive_its_epoch
    an_error_in_collate_fn_comes_at_its_turn an_error_in_a_stream_comes_at_its_turn
    an_error_in_a_sampler_comes_at_its_turn a_worker_that_cannot_be_initialised_is_an_error
    a_worker_that_dies_in_a_sample_is_an_error a_worker_that_dies_while_it_sends_is_an_error
    the_death_of_an_idle_worker_is_no_loss a_death_does_not_outlive_its_epoch
    a_death_is_found_in_any_thread a_death_leaves_nothing_behind a_timeout_ends_the_wait
    an_interrupt_reaches_the_loop a_program_ends_at_once_with_idle_workers
    what_cannot_be_sent_to_workers_is_named the_sequential_sampler_example_repeats_its_order
    the_random_sampler_example_reorders_every_epoch the_weighted_example_evens_out_the_classes
    the_complete_example_shows_each_row_once_an_epoch
    the_train_loader_takes_full_batches_of_its_split
    the_validation_loader_takes_all_of_its_split_in_order
    the_text_example_pads_each_batch_to_its_longest the_seeded_example_repeats_when_run_again
    two_workers_load_the_complete_example four_workers_load_the_train_example
    four_workers_load_the_validation_example four_workers_stay_in_the_persistent_example
    a_row_that_is_kept_of_a_batch_is_not_overwritten a_dataset_is_asked_by_its_own_method
    a_sampler_is_iterated_by_its_own_method a_samplers_generator_is_left_as_by_the_sampler
    random_keys_are_plain_integers a_collate_fn_gets_the_samples_of_a_table
    a_batch_of_a_table_belongs_to_the_caller
    pin_memory_is_no_obstacle_where_nothing_can_be_pinned pinning_in_vain_is_told
"""

DEVIATIONS = (
    *inherited(
        "with_workers_a_batch_sampler_is_started_once_an_epoch",
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
    ),
    *deviations(
        "for several processes batch_size=None is taken, and a TypeError when it is used",
        UNBATCHED,
        "without_batch_size_samples_come_bare",
        "length_without_batching_is_the_number_of_samples",
        "without_batching_samples_are_converted_only",
        "without_batching_a_collate_fn_gets_the_bare_sample",
        "without_batches_there_is_none_to_drop",
        "workers_take_batches_and_samples_as_they_are_chosen",
        "with_workers_a_batch_sampler_is_started_once_an_epoch",
        "a_stream_may_come_sample_by_sample",
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
        "shares_of_a_stream_make_up_the_whole",
    ),
    *deviations(
        "a seed for its sampler is drawn from torch's global state when it is prepared",
        f"{SOURCE}#L1246-L1251",
        "being_made_changes_no_random_state",
    ),
    *deviations(
        "a process has every second batch, completed from the beginning so that all have as many",
        f"{SOURCE}#L110-L136",
        *HALF.split(),
        kind="documented",
    ),
)


def prepared(dataset: Any, **options: Any) -> Iterable[Any]:
    """Prepare torch's DataLoader for the first of two processes."""
    from accelerate import PartialState
    from accelerate.data_loader import prepare_data_loader

    PartialState(cpu=True)
    return prepare_data_loader(  # type: ignore[no-any-return]
        DataLoader(dataset, **options), num_processes=2, process_index=0
    )


def adapter() -> Adapter:
    """Return the adapter of prepare_data_loader with num_processes=2 and process_index=0."""
    import accelerate  # noqa: F401 - that it is missing is told before anything is judged

    return Adapter(
        "accelerate-rank",
        prepared,
        EVERY_CAPABILITY,
        distribution="accelerate",
        called=DataLoader,
        deviations=DEVIATIONS,
    )
