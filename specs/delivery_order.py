"""In which order batches come that are finished in another, with in_order and without.

That one batch is finished after another is forced by a gate: its sample waits for those of others.
"""

from collections.abc import Iterable
from typing import Any

from conformance import (
    Gated,
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    epoch,
    flat,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
BLOCKED = "https://github.com/pytorch/pytorch/issues/105203"


def impatient(request: LoaderRequest) -> LoaderRequest:
    """Return a request, for mutants, whose dataset waits only shortly for what does not come."""
    request.dataset.trace.patience = 0.3
    return request


@requirement(claims=["D1-013", "D2-013"], evidence=[DOCS])
def a_slow_batch_is_delivered_at_its_turn(subject: Subject) -> None:
    """A loader MUST keep the order of the batches also where a later one is finished first.

    Predictions are written down in the order of the dataset, and a training is repeated by it.
    """
    with (
        Trace() as trace,
        subject.open(Gated(8, trace, {0: ("fetch", [2])}), batch_size=2, num_workers=2) as loader,
    ):
        delivered = epoch(loader)
        in_vain = trace.keys("in_vain")
    assert (delivered, in_vain) == ([[0, 1], [2, 3], [4, 5], [6, 7]], [])


@a_slow_batch_is_delivered_at_its_turn.mutant
def delivers_first_what_was_finished_first(
    request: LoaderRequest, batches: Iterable[Any]
) -> list[Any]:
    first, second, *rest = batches
    return [second, first, *rest]


@a_slow_batch_is_delivered_at_its_turn.mutant
def passes_over_what_is_not_finished(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return list(batches)[1:]


@requirement(evidence=[DOCS, BLOCKED])
def without_an_order_every_batch_still_comes_once(subject: Subject) -> None:
    """With in_order=False a loader MUST deliver every batch exactly once, whichever comes first.

    The order is given up for speed, the samples are not.
    """
    with (
        Trace() as trace,
        subject.open(
            Gated(10, trace, {0: ("fetch", [2])}), batch_size=2, num_workers=2, in_order=False
        ) as loader,
    ):
        epochs = [epoch(loader) for _ in range(2)]
    batches = [repr(batch) for batch in ([0, 1], [2, 3], [4, 5], [6, 7], [8, 9])]
    assert [sorted(map(repr, delivered)) for delivered in epochs] == [batches, batches]


@without_an_order_every_batch_still_comes_once.mutant
def forgets_a_batch_that_was_overtaken(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    return (batch for batch in batches if request.in_order or 0 not in plain(batch))


@without_an_order_every_batch_still_comes_once.mutant
def delivers_an_overtaken_batch_at_its_turn_too(
    request: LoaderRequest, batches: Iterable[Any]
) -> list[Any]:
    kept = list(batches)
    return kept if request.in_order else [*kept, kept[0]]


@requirement(evidence=[DOCS, BLOCKED])
def without_an_order_a_slow_batch_holds_up_no_other(subject: Subject) -> None:
    """With in_order=False a loader SHOULD deliver other batches while an earlier one is being made.

    That is what the order is given up for: one slow sample would leave all others waiting. Here the
    first sample waits until another batch has arrived.
    """
    delivered = []
    with (
        Trace() as trace,
        subject.open(
            Gated(8, trace, {0: ("arrived", [0])}), batch_size=2, num_workers=2, in_order=False
        ) as loader,
    ):
        for number, batch in enumerate(loader):
            trace.record("arrived", number)
            delivered.append(plain(batch))
        in_vain = trace.keys("in_vain")
    assert (sorted(map(repr, flat(delivered))), in_vain) == (list("01234567"), [])


@without_an_order_a_slow_batch_holds_up_no_other.mutant_loader
def keeps_the_order_all_the_same(request: LoaderRequest, honest: Honest) -> Any:
    return honest(impatient(request).but(in_order=True))
