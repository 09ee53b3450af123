"""torchdata's StatefulDataLoader, a DataLoader whose place in an epoch can be saved.

It is built on torch's workers and collation, so their deviations are its own as well. It shuffles
by a sampler of its own, seeded by the generator, or by torch's global state when it is made. An
epoch ends with the sampler.
https://github.com/meta-pytorch/data/blob/v0.11.0/torchdata/stateful_dataloader/sampler.py
"""

from conformance.adapter import Adapter, Deviation, adapter_for
from conformance.adapters._inherited import inherited
from conformance.simulated import simulated_accelerator

SOURCE = "https://github.com/meta-pytorch/data/blob/v0.11.0/torchdata/stateful_dataloader"
LOADER = f"{SOURCE}/stateful_dataloader.py"
SAMPLER = f"{SOURCE}/sampler.py"

DEVIATIONS = (
    *inherited(
        "persistent_workers_do_not_go_on_uninitialised",
        "workers_deliver_what_was_drawn_before_a_sampler_failed",
    ),
    Deviation(
        "a_generator_has_to_be_one_of_torch",
        "another object than a torch.Generator is an AttributeError when it is iterated",
        f"{SAMPLER}#L24",
    ),
    Deviation(
        "a_seeded_order_is_that_of_torch",
        "the order is drawn by iter, before the seed for workers is drawn from the generator",
        f"{SAMPLER}#L31",
    ),
    Deviation(
        "an_epoch_draws_from_the_generator_as_in_torch",
        "it draws less from the generator in an epoch than torch",
        f"{SAMPLER}#L38-L58",
    ),
    Deviation(
        "being_made_changes_no_random_state",
        "without a generator its sampler draws a seed from the global state when it is made",
        f"{SAMPLER}#L90-L95",
    ),
    Deviation(
        "workers_do_not_change_a_shuffle",
        "with workers it starts the sampler twice, and each start draws from the generator",
        f"{LOADER}#L435-L438",
    ),
    Deviation(
        "with_workers_a_sampler_is_started_once_an_epoch",
        "its iterator with workers calls iter for the sampler twice, the first time in vain",
        f"{LOADER}#L430-L438",
    ),
    Deviation(
        "workers_deliver_what_was_drawn_before_a_sampler_failed",
        "a sampler that fails is an error of iter already, before the batches that come first",
        f"{LOADER}#L1176-L1179",
    ),
    Deviation(
        "an_error_in_pinning_comes_at_its_turn",
        "with workers it is a TypeError, and the next call waits for that batch without end",
        f"{LOADER}#L1423",
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
