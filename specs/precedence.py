"""Which argument decides where two contradict: batch_sampler, then sampler, then the rest.

The documents disagree, with each other and with PyTorch's loader, on what becomes of the lesser
argument: it cannot be used (D1 §shuffle), or it is ignored (D1 §sampler, §batch_sampler). Every
reading rules out a mixture. So a loader may refuse, before it has loaded anything, or do exactly
what the deciding argument does alone; which of the two it does is observed.
"""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from hypothesis import strategies as st

from conformance import Honest, LoaderRequest, Subject, Trace, Watched, given, plain, requirement

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
REFUSAL = ["ValueError after 0 samples"]
LESSER = {"batch_size": 3, "shuffle": True, "sampler": [9, 8, 7], "drop_last": True}

orders = st.lists(st.integers(0, 9), max_size=12)
groupings = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=5)


def ask(subject: Subject, **options: Any) -> list[Any]:
    """Return the batches of an epoch over ten samples; a refusal, with its cost, comes last."""
    delivered: list[Any] = []
    with Trace() as trace:
        try:
            with subject.open(Watched(10, trace), **options) as loader:
                for batch in loader:
                    delivered.append(plain(batch))
        except ValueError:
            delivered.append(f"ValueError after {len(trace.keys())} samples")
    return delivered


def choice(together: list[Any], lesser: str) -> str:
    return f"rejects {lesser}: ValueError" if together == REFUSAL else f"ignores {lesser}"


def obedient(request: LoaderRequest) -> LoaderRequest:
    """Return the request without what its batch_sampler outranks."""
    return request.but(batch_size=1, shuffle=None, sampler=None, drop_last=False)


def refuse_late(batches: Iterable[Any]) -> Iterator[Any]:
    yield from islice(batches, 1)
    raise ValueError("these arguments exclude each other")


@requirement(claims=["D1-014", "D1-043", "D1-044", "D1-053"])
@given(order=orders)
def a_sampler_is_not_shuffled(subject: Subject, order: list[int]) -> None:
    """Asked to shuffle beside a sampler a loader MUST keep the sampler's order or refuse at once.

    Who gives a sampler has chosen which samples come, and when; shuffling them, or the whole
    dataset instead, undoes the choice without a trace in the shapes.
    """
    alone = ask(subject, sampler=order, batch_size=3)
    assert alone == [order[at : at + 3] for at in range(0, len(order), 3)]
    together = ask(subject, sampler=order, batch_size=3, shuffle=True)
    assert together in (REFUSAL, alone)
    subject.observe(choice(together, "shuffle beside a sampler"))


@a_sampler_is_not_shuffled.mutant_loader
def shuffles_what_the_sampler_gives(request: LoaderRequest, honest: Honest) -> Any:
    order: Any = request.sampler
    drawn = random.Random(1).sample(order, len(order)) if request.shuffle else order
    return honest(request.but(shuffle=None, sampler=drawn))


@a_sampler_is_not_shuffled.mutant_loader
def shuffles_the_dataset_instead(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=None) if request.shuffle else request)


@a_sampler_is_not_shuffled.mutant_loader
def refuses_when_a_batch_is_out(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request.but(shuffle=None))
    return refuse_late(loader) if request.shuffle else loader


@a_sampler_is_not_shuffled.mutant_loader
def loads_a_batch_before_it_refuses(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request.but(shuffle=None))
    if request.shuffle and next(iter(loader), None) is not None:
        raise ValueError("sampler and shuffle exclude each other")
    return loader


@requirement(claims=["D1-043"])
@given(order=orders)
def shuffle_false_is_welcome_beside_a_sampler(subject: Subject, order: list[int]) -> None:
    """Beside a sampler a loader MUST take shuffle=False, and deliver in the sampler's order.

    The documents ask for just that value, and configurations spell it out.
    """
    delivered = ask(subject, sampler=order, shuffle=False)
    assert delivered == [[index] for index in order]


@shuffle_false_is_welcome_beside_a_sampler.mutant_loader
def takes_any_shuffle_for_a_conflict(request: LoaderRequest, honest: Honest) -> Any:
    if request.sampler is not None and request.shuffle is not None:
        raise ValueError("sampler and shuffle exclude each other")
    return honest(request)


@shuffle_false_is_welcome_beside_a_sampler.mutant_loader
def takes_false_for_the_dataset_order(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=None) if request.shuffle is False else request)


@requirement(claims=["D1-079"])
@given(groups=groupings)
def shuffle_false_is_welcome_beside_a_batch_sampler(
    subject: Subject, groups: list[list[int]]
) -> None:
    """Beside a batch_sampler a loader MUST take shuffle=False, and deliver the batches it gives.

    It asks for nothing that the batch_sampler does not do already, and configurations spell it out.
    """
    delivered = ask(subject, batch_sampler=groups, shuffle=False)
    assert delivered == groups


@shuffle_false_is_welcome_beside_a_batch_sampler.mutant_loader
def refuses_even_shuffle_false(request: LoaderRequest, honest: Honest) -> Any:
    if request.batch_sampler is not None and request.shuffle is not None:
        raise ValueError("batch_sampler and shuffle exclude each other")
    return honest(request)


@requirement(claims=["D1-076", "D1-078"])
@given(groups=groupings, batch_size=st.integers(2, 5))
def a_batch_sampler_outranks_batch_size(
    subject: Subject, groups: list[list[int]], batch_size: int
) -> None:
    """Given a batch_size beside a batch_sampler a loader MUST keep the latter's batches or refuse.

    Batches are grouped for a reason, similar lengths or one identity each; cut to another size they
    are not those groups any more.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, batch_size=batch_size)
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "batch_size beside a batch_sampler"))


@a_batch_sampler_outranks_batch_size.mutant_loader
def cuts_its_batches_to_size(request: LoaderRequest, honest: Honest) -> Any:
    size: Any = request.batch_size
    groups: Any = request.batch_sampler
    cut = [group[at : at + size] for group in groups for at in range(0, len(group), size)]
    return honest(request if size == 1 else request.but(batch_size=1, batch_sampler=cut))


@a_batch_sampler_outranks_batch_size.mutant_loader
def prefers_the_batch_size(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if request.batch_size == 1 else request.but(batch_sampler=None))


@requirement(evidence=[TORCH_DATA])
@given(groups=groupings)
def a_batch_sampler_outranks_batching_switched_off(
    subject: Subject, groups: list[list[int]]
) -> None:
    """Given batch_size=None beside a batch_sampler a loader MUST keep its batches or refuse.

    Taken for a sampler, it would have the dataset asked for a list of indices at once.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, batch_size=None)
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "batch_size=None beside a batch_sampler"))


@a_batch_sampler_outranks_batching_switched_off.mutant_loader
def delivers_its_samples_singly(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    order = [index for group in groups for index in group]
    return honest(
        request.but(batch_sampler=None, sampler=order) if request.batch_size is None else request
    )


@requirement(claims=["D1-079"])
@given(groups=groupings)
def a_batch_sampler_is_not_shuffled(subject: Subject, groups: list[list[int]]) -> None:
    """Asked to shuffle beside a batch_sampler a loader MUST keep the latter's batches or refuse.

    A curriculum depends on the order of the batches, and grouping on what is in each.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, shuffle=True)
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "shuffle beside a batch_sampler"))


@a_batch_sampler_is_not_shuffled.mutant_loader
def shuffles_the_order_of_the_batches(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    drawn = random.Random(1).sample(groups, len(groups)) if request.shuffle else groups
    return honest(request.but(shuffle=None, batch_sampler=drawn))


@a_batch_sampler_is_not_shuffled.mutant_loader
def shuffles_within_each_batch(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    if request.shuffle:
        groups = [random.Random(1).sample(group, len(group)) for group in groups]
    return honest(request.but(shuffle=None, batch_sampler=groups))


@requirement(claims=["D1-080"])
@given(groups=groupings, order=orders)
def a_batch_sampler_outranks_a_sampler(
    subject: Subject, groups: list[list[int]], order: list[int]
) -> None:
    """Given a sampler beside a batch_sampler a loader MUST keep the latter's batches or refuse.

    Both say which samples come; only one can be right, and it is the one that says more.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, sampler=order)
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "a sampler beside a batch_sampler"))


@a_batch_sampler_outranks_a_sampler.mutant_loader
def prefers_the_sampler(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if request.sampler is None else request.but(batch_sampler=None))


@requirement(claims=["D1-081"])
@given(groups=groupings)
def a_batch_sampler_outranks_drop_last(subject: Subject, groups: list[list[int]]) -> None:
    """Given drop_last beside a batch_sampler a loader MUST keep the latter's batches or refuse.

    Its batches may differ in length by design; a short one is not an incomplete one.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, drop_last=True)
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "drop_last beside a batch_sampler"))


@a_batch_sampler_outranks_drop_last.mutant_loader
def drops_a_last_batch_shorter_than_the_first(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    short = request.drop_last and len(groups) > 1 and len(groups[-1]) < len(groups[0])
    return honest(obedient(request.but(batch_sampler=groups[:-1] if short else groups)))


@requirement(claims=["D1-078", "D1-079", "D1-080", "D1-081"])
@given(groups=groupings, names=st.lists(st.sampled_from(list(LESSER)), min_size=2, unique=True))
def a_batch_sampler_outranks_all_the_rest_together(
    subject: Subject, groups: list[list[int]], names: list[str]
) -> None:
    """Whatever combination it outranks, a loader MUST keep a batch_sampler's batches or refuse.

    Checks made pair by pair miss the third argument, and a sampler with a batch_size describes
    whole batches too.
    """
    alone = ask(subject, batch_sampler=groups)
    assert alone == groups
    together = ask(subject, batch_sampler=groups, **{name: LESSER[name] for name in names})
    assert together in (REFUSAL, groups)
    subject.observe(choice(together, "several arguments beside a batch_sampler"))


@a_batch_sampler_outranks_all_the_rest_together.mutant_loader
def is_outvoted_by_sampler_and_batch_size(request: LoaderRequest, honest: Honest) -> Any:
    outvoted = request.sampler is not None and request.batch_size != 1
    return honest(request.but(batch_sampler=None, shuffle=None) if outvoted else obedient(request))


@a_batch_sampler_outranks_all_the_rest_together.mutant_loader
def looks_for_shuffle_in_the_wrong_branch(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    both = request.shuffle and request.drop_last
    return honest(obedient(request.but(batch_sampler=groups[::-1] if both else groups)))


@requirement(evidence=[TORCH_DATA])
@given(order=orders)
def without_batches_there_is_none_to_drop(subject: Subject, order: list[int]) -> None:
    """With batch_size=None and drop_last a loader MUST deliver every sample or refuse at once.

    There is no incomplete batch where there are no batches; a sample dropped in its place is lost.
    """
    alone = ask(subject, batch_size=None, sampler=order)
    assert alone == order
    together = ask(subject, batch_size=None, sampler=order, drop_last=True)
    assert together in (REFUSAL, order)
    subject.observe(choice(together, "drop_last with batch_size=None"))


@without_batches_there_is_none_to_drop.mutant_loader
def drops_the_last_sample(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request.but(drop_last=False))
    return list(loader)[:-1] if request.drop_last else loader


@without_batches_there_is_none_to_drop.mutant_loader
def makes_batches_of_one_after_all(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=1) if request.drop_last else request)
