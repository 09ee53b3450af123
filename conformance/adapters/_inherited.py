"""What a loader inherits that is built on torch's DataLoader: its workers and collation.

A file whose name begins with an underscore is no loader.
"""

from conformance.adapter import Deviation

SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/torch/utils/data"
LOADER = f"{SOURCE}/dataloader.py"
COLLATE = f"{SOURCE}/_utils/collate.py"
FETCH = f"{SOURCE}/_utils/fetch.py"

OF_TORCH = (
    Deviation(
        "masks_of_arrays_are_not_lost",
        "a masked array is batched without its mask, and the masked value is delivered as data",
        f"{COLLATE}#L278-L288",
    ),
    Deviation(
        "keys_of_later_samples_are_not_dropped",
        "a batch of dicts has the keys of its first sample only",
        f"{COLLATE}#L169-L178",
    ),
    Deviation(
        "counters_are_batched_like_dicts",
        "batching updates a copy of the first Counter, which adds where a dict replaces",
        f"{COLLATE}#L165-L178",
    ),
    Deviation(
        "a_collate_fn_is_looked_at_before_it_is_needed",
        "what cannot be called is refused after the first batch has been loaded",
        f"{FETCH}#L48-L57",
    ),
    Deviation(
        "a_stream_without_length_makes_a_true_loader",
        "its truth is its length, and that raises TypeError where the dataset has none",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/2955",
    ),
    Deviation(
        "prefetch_factor_is_more_than_zero",
        "0 is accepted by the constructor and an AssertionError when it is iterated",
        "https://github.com/pytorch/pytorch/issues/196089",
    ),
    Deviation(
        "timeout_needs_workers",
        "a timeout without workers is an AssertionError when it is iterated",
        "https://github.com/pytorch/pytorch/issues/106634",
    ),
    Deviation(
        "with_workers_a_batch_sampler_is_started_once_an_epoch",
        "its iterator with workers calls iter for its index sampler twice, the first time in vain",
        "https://github.com/nvidia-cosmos/cosmos-rl/pull/621",
    ),
    Deviation(
        "tensors_of_several_dtypes_are_collated_alike_in_workers",
        "in a worker tensors are stacked into shared memory of the first one's dtype",
        f"{COLLATE}#L269-L275",
    ),
    Deviation(
        "tensors_that_require_a_gradient_come_from_workers_too",
        "in a worker tensors are stacked into shared memory, which takes none with a gradient",
        "https://github.com/pytorch/pytorch/issues/82411",
    ),
    Deviation(
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
        "without workers and batches the stream's iterator is asked again whenever the loader's is",
        f"{FETCH}#L27-L45",
    ),
    Deviation(
        "loops_over_persistent_workers_do_not_mix",
        "iter returns the one iterator of the workers, reset, so the loops share a position",
        f"{LOADER}#L498-L503",
    ),
    Deviation(
        "batches_may_be_kept",
        "with the default sharing strategy each tensor from a worker holds a descriptor",
        "https://github.com/pytorch/pytorch/issues/11201",
    ),
    Deviation(
        "a_sample_cannot_end_the_epoch",
        "a StopIteration from __getitem__ passes through next, where it is the end of the data",
        f"{LOADER}#L783-L785",
    ),
    Deviation(
        "workers_deliver_what_was_drawn_before_a_sampler_failed",
        "the error comes as soon as the index is drawn, and the batch then in hand is lost",
        f"{LOADER}#L1563-L1568",
    ),
    Deviation(
        "persistent_workers_do_not_go_on_uninitialised",
        "only the first epoch raises the error of worker_init_fn; the next is loaded without it",
        f"{SOURCE}/_utils/worker.py#L369-L374",
    ),
    Deviation(
        "no_batch_is_missing_after_a_death",
        "after the error the other workers go on, and what the dead one had to do is left out",
        f"{LOADER}#L1477-L1486",
    ),
    Deviation(
        "workers_do_not_outlive_a_killed_program",
        "workers look whether their parent has gone, which by forkserver is not the program but a "
        "server, and that lives as long as they do",
        f"{SOURCE}/_utils/worker.py#L64-L72",
        start_methods=("forkserver",),
    ),
    Deviation(
        "persistent_workers_are_replaced_after_a_death",
        "workers are never started again, so each further epoch is the error once more",
        f"{LOADER}#L498-L503",
    ),
)


def inherited(*but: str) -> tuple[Deviation, ...]:
    """Return torch's deviations without those from the requirements named."""
    return tuple(deviation for deviation in OF_TORCH if deviation.requirement not in but)


def of_torch(*requirements: str) -> tuple[Deviation, ...]:
    """Return torch's deviations from the requirements named."""
    return tuple(deviation for deviation in OF_TORCH if deviation.requirement in requirements)
