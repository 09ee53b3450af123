"""torchdata's StatefulDataLoader, a DataLoader whose place in an epoch can be saved.

It is built on torch's workers and collation, so their deviations are its own as well.
"""

from conformance.adapter import Adapter, Deviation, adapter_for
from conformance.simulated import simulated_accelerator

COLLATE = "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_collate"
STATEFUL = "https://github.com/meta-pytorch/data/tree/v0.11.0/torchdata/stateful_dataloader"

DEVIATIONS = (
    Deviation(
        "a_generator_has_to_be_one_of_torch",
        "another object than a torch.Generator is an AttributeError when it is iterated",
        STATEFUL,
    ),
    Deviation(
        "a_seeded_order_is_that_of_torch",
        "the order is drawn without the seed for workers being drawn from the generator first",
        STATEFUL,
    ),
    Deviation(
        "an_epoch_draws_from_the_generator_as_in_torch",
        "it draws less from the generator in an epoch than torch",
        STATEFUL,
    ),
    Deviation(
        "being_made_changes_no_random_state",
        "without a generator its sampler draws a seed from the global state when it is made",
        f"{STATEFUL}/sampler.py",
    ),
    Deviation(
        "masks_of_arrays_are_not_lost",
        "torch's collation: the mask is dropped, and the masked value is delivered as data",
        COLLATE,
    ),
    Deviation(
        "keys_of_later_samples_are_not_dropped",
        "torch's collation: a batch of dicts has the keys of its first sample only",
        COLLATE,
    ),
    Deviation(
        "counters_are_batched_like_dicts",
        "torch's collation: updating a copy of the first Counter adds where a dict replaces",
        COLLATE,
    ),
    Deviation(
        "a_collate_fn_is_looked_at_before_it_is_needed",
        "what cannot be called is refused after the first batch has been loaded",
        STATEFUL,
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
        "workers_do_not_change_a_shuffle",
        "the order with workers is another than without, from an equally seeded generator",
        STATEFUL,
    ),
    Deviation(
        "with_workers_a_sampler_is_started_once_an_epoch",
        "its iterator with workers calls iter for the sampler twice, the first time in vain",
        STATEFUL,
    ),
    Deviation(
        "with_workers_a_batch_sampler_is_started_once_an_epoch",
        "its iterator with workers calls iter for its index sampler twice, the first time in vain",
        "https://github.com/nvidia-cosmos/cosmos-rl/pull/621",
    ),
    Deviation(
        "tensors_of_several_dtypes_are_collated_alike_in_workers",
        "torch's collation: in a worker tensors are stacked into memory of the first one's dtype",
        "https://github.com/SvipRepetitionCounting/TransRAC/issues/17",
    ),
    Deviation(
        "tensors_that_require_a_gradient_come_from_workers_too",
        "torch's collation: in a worker tensors are stacked into memory that takes no gradient",
        "https://github.com/pytorch/pytorch/issues/82411",
    ),
    Deviation(
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
        "without workers and batches the stream's iterator is asked again whenever the loader's is",
        "https://github.com/pytorch/pytorch/issues/59312",
    ),
    Deviation(
        "loops_over_persistent_workers_do_not_mix",
        "as in torch: iter returns the one iterator of the workers, so the loops share a position",
        "https://docs.pytorch.org/docs/stable/data.html",
    ),
    Deviation(
        "batches_may_be_kept",
        "torch's workers: with the default sharing strategy each tensor holds a descriptor",
        "https://github.com/pytorch/pytorch/issues/11201",
    ),
    Deviation(
        "a_sample_cannot_end_the_epoch",
        "a StopIteration from __getitem__ passes through next, where it is the end of the data",
        "https://github.com/pytorch/pytorch/issues/82732",
    ),
    Deviation(
        "workers_deliver_what_was_drawn_before_a_sampler_failed",
        "a sampler that fails is an error of iter already, before the batches that come first",
        STATEFUL,
    ),
    Deviation(
        "no_batch_is_missing_after_a_death",
        "as in torch: after the error the others go on, and what the dead one had is left out",
        "https://github.com/pytorch/pytorch/issues/68519",
    ),
    Deviation(
        "persistent_workers_are_replaced_after_a_death",
        "as in torch: workers are never started again, so each further epoch is the error",
        "https://github.com/pytorch/pytorch/issues/8976",
    ),
    Deviation(
        "an_error_in_pinning_comes_at_its_turn",
        "with workers it is a TypeError, and the next call waits for that batch without end",
        STATEFUL,
    ),
)


def adapter() -> Adapter:
    """Return the adapter of torchdata.stateful_dataloader.StatefulDataLoader."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    return adapter_for(
        "torchdata",
        StatefulDataLoader,
        distribution="torchdata",
        deviations=DEVIATIONS,
        offers={"accelerator": simulated_accelerator},
    )
