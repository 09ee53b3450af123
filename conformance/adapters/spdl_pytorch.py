"""SPDL's loader with the DataLoader's keywords, `get_pytorch_dataloader`.

In the places where its defaults are not the DataLoader's the request's are passed on: `in_order` is
True, and batch_size is None beside a batch sampler, which it takes only alone. It always loads in
worker processes: num_workers is 1 where none is asked for, as its documents say. What it documents
as unsupported is not claimed. A generator goes to torch's RandomSampler, "used by the default
sampler", and an epoch ends with the sampler.
https://facebookresearch.github.io/spdl/0.8.0/generated/spdl.dataloader.get_pytorch_dataloader.html
"""

from collections.abc import Iterable
from typing import Any

from conformance.adapter import EVERY_CAPABILITY, UNREPORTED, Adapter, deviations
from conformance.adapters._inherited import of_torch
from conformance.capability import Capability

DOCS = "https://facebookresearch.github.io/spdl/0.8.0/generated"
FUNCTION = f"{DOCS}/spdl.dataloader.get_pytorch_dataloader.html"
LOADER = f"{DOCS}/spdl.dataloader.PyTorchDataLoader.html"
PIPELINE = f"{DOCS}/spdl.pipeline.PipelineBuilder.html"
ATTRIBUTES = "https://github.com/facebookresearch/spdl/pull/303"

DEVIATIONS = (
    *deviations(
        "what fails is logged and its batch left out, as pipelines do by default; the page of this "
        "loader, an 'almost drop-in replacement', does not say so",
        PIPELINE,
        "a_seed_shuffles_alike_in_every_process",
        "samples_without_a_meaning_as_tensors_are_refused",
        "lists_of_different_lengths_are_refused",
        "tensors_of_different_lengths_need_a_collate_fn",
        "a_batch_sampler_has_to_give_batches",
        "a_collate_fn_has_to_be_callable",
        "a_collate_fn_is_looked_at_before_it_is_needed",
        "tensors_that_require_a_gradient_come_from_workers_too",
        "workers_end_when_a_loop_ends_in_an_error",
        "an_error_in_a_sample_comes_at_its_turn",
        "an_error_keeps_its_type_and_message",
        "an_error_arrives_whatever_it_is_made_of",
        "a_sample_cannot_end_the_epoch",
        "an_error_in_collate_fn_comes_at_its_turn",
    ),
    *deviations(
        "after a worker's death all that is left fails and is left out, and the epoch ends without "
        "a word",
        PIPELINE,
        "a_worker_that_dies_in_a_sample_is_an_error",
        "a_worker_that_dies_while_it_sends_is_an_error",
        "no_batch_is_missing_after_a_death",
        "a_death_does_not_outlive_its_epoch",
        "a_death_is_found_in_any_thread",
        "a_death_leaves_nothing_behind",
    ),
    *deviations(
        "its workers are none to torch: there is no worker info, and their random generators are "
        "copies of the main process's, so that workers draw the same numbers; no issue is known",
        UNREPORTED,
        "a_worker_knows_its_number_and_its_dataset",
        "a_worker_knows_its_seed",
        "no_two_workers_draw_the_same_random_numbers",
        "equal_seeds_repeat_what_workers_draw",
    ),
    *deviations(
        "it draws no seed for workers from the generator, so that a seeded order is another than "
        "torch's; no issue is known",
        UNREPORTED,
        "a_seeded_order_is_that_of_torch",
        "an_epoch_draws_from_the_generator_as_in_torch",
    ),
    *deviations(
        "closing waits for workers, so that a timeout is told when the late sample has come; no "
        "issue is known",
        UNREPORTED,
        "a_timeout_ends_the_wait",
    ),
    *deviations(
        "workers wait for work after the main process was killed; no issue is known",
        UNREPORTED,
        "workers_do_not_outlive_a_killed_program",
    ),
    *deviations(
        "a dataset without a length is an AssertionError without a message; no issue is known",
        UNREPORTED,
        "a_dataset_that_lacks_a_method_is_not_taken_for_empty",
    ),
    *deviations(
        "of a timeout only the sign is checked, and one of 0 is over at once; no issue is known",
        UNREPORTED,
        "timeout_has_to_be_a_duration",
    ),
    *deviations(
        "iter makes a generator, so that nothing begins before the first next; no issue is known",
        UNREPORTED,
        "workers_begin_when_an_epoch_begins",
    ),
    # Of torch's sharing of tensors between processes, and of its collation, by default.
    *of_torch(
        "batches_may_be_kept",
        "masks_of_arrays_are_not_lost",
        "keys_of_later_samples_are_not_dropped",
        "counters_are_batched_like_dicts",
    ),
    *deviations(
        "it loads in a worker process if none was asked for, and ahead of the caller",
        FUNCTION,
        "without_workers_nothing_is_loaded_before_it_is_asked_for",
        "without_workers_samples_are_fetched_by_the_caller",
        "indices_are_drawn_batch_by_batch",
        "batches_are_drawn_one_by_one",
        "any_object_may_be_a_sample",
        "the_result_of_a_collate_fn_is_delivered_itself",
        "a_loader_without_options_goes_by_the_defaults",
        "persistent_workers_needs_workers",
        "multiprocessing_context_needs_workers",
        "timeout_needs_workers",
        "prefetch_factor_needs_workers",
        "no_more_is_loaded_ahead_than_was_asked_for",
        kind="documented",
    ),
    *deviations(
        "the dataset is copied to shared memory when the loader is made; workers see it as it was",
        LOADER,
        "length_follows_a_growing_dataset",
        "workers_have_the_dataset_as_it_is_when_an_epoch_begins",
        "new_workers_see_the_dataset_as_it_is",
        kind="documented",
    ),
    *deviations(
        "its defaults are other ones",
        FUNCTION,
        "defaults_are_those_of_the_documents",
        kind="documented",
    ),
    *deviations(
        "but for the dataset nothing given can be read: attributes are not meant to be compatible",
        ATTRIBUTES,
        "the_dataset_and_the_batching_can_be_read",
        "samplers_and_functions_can_be_read",
        kind="documented",
    ),
    *deviations(
        "a sample that is None is left out",
        PIPELINE,
        "without_batching_samples_are_converted_only",
        kind="documented",
    ),
    *deviations(
        "an error in the sampler is a PipelineFailure, which holds it",
        f"{DOCS}/spdl.pipeline.PipelineFailure.html",
        "a_sampler_has_to_be_iterable",
        "a_generator_has_to_be_one_of_torch",
        "an_error_in_a_sampler_comes_at_its_turn",
        "workers_deliver_what_was_drawn_before_a_sampler_failed",
        kind="documented",
    ),
)


def spdl_pytorch_loader(dataset: Any, **options: Any) -> Iterable[Any]:
    """Construct SPDL's loader with the arguments of torch's."""
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
        spdl_pytorch_loader,
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
