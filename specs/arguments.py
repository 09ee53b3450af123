"""Bad values: what no loader can mean anything by is refused, and before anything is loaded.

A refusal is a ValueError or a TypeError, at construction, by iter or by the first next. A value
that slips through shows up late, as an error far from its cause, or never, as data that is not
there. Every check first shows that the loader takes a good value.
"""

from typing import Any

import torch
from hypothesis import strategies as st

from conformance import (
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    flat,
    given,
    plain,
    requirement,
)

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
SINGLY = [[0], [1], [2], [3], [4]]
REFUSED = (["refused"], "nothing loaded")
LOADED = "something loaded"


def ask(subject: Subject, **options: Any) -> tuple[list[Any], str]:
    """Return the batches of an epoch over five samples, a refusal last, and if any was loaded."""
    delivered: list[Any] = []
    with Trace() as trace:
        try:
            with subject.open(Watched(5, trace), **options) as loader:
                for batch in loader:
                    delivered.append(plain(batch))
        except (TypeError, ValueError):
            delivered.append("refused")
        return delivered, "something loaded" if trace.keys() else "nothing loaded"


def load_first(request: LoaderRequest, honest: Honest) -> Any:
    """Make a loader that looks at a sample before it looks at its arguments; part of mutants."""
    _ = request.dataset[0]
    return honest(request)


@requirement(claims=["D1-009"])
@given(bad=st.sampled_from([0, -1, 1.5, "2"]))
def batch_size_has_to_count_something(subject: Subject, bad: object) -> None:
    """For a batch_size that is no whole number above 0 a loader MUST refuse to load anything.

    Rounded or taken for 1 it trains with another batch size than the one that was written down.
    """
    good = ask(subject, batch_size=2)
    assert good == ([[0, 1], [2, 3], [4]], LOADED)
    answer = ask(subject, batch_size=bad)
    assert answer == REFUSED


@batch_size_has_to_count_something.mutant_loader
def rounds_the_batch_size_down(request: LoaderRequest, honest: Honest) -> Any:
    size: Any = request.batch_size
    return honest(request.but(batch_size=int(size)) if isinstance(size, float) else request)


@batch_size_has_to_count_something.mutant_loader
def takes_batch_size_0_for_the_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=request.batch_size or 1))


@batch_size_has_to_count_something.mutant_loader
def delivers_nothing_at_a_negative_batch_size(request: LoaderRequest, honest: Honest) -> Any:
    size: Any = request.batch_size
    return [] if size == -1 else honest(request)


@batch_size_has_to_count_something.mutant_loader
def checks_batch_size_after_a_sample(request: LoaderRequest, honest: Honest) -> Any:
    return load_first(request, honest)


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from(["False", "no", 1, None]))
def drop_last_has_to_be_true_or_false(subject: Subject, bad: object) -> None:
    """For a drop_last that is neither True nor False a loader SHOULD refuse to load anything.

    From a configuration file comes "False", which is true, and the last samples are silently lost.
    """
    good = ask(subject, batch_size=2, drop_last=True)
    assert good == ([[0, 1], [2, 3]], LOADED)
    answer = ask(subject, batch_size=2, drop_last=bad)
    assert answer == REFUSED


@drop_last_has_to_be_true_or_false.mutant_loader
def goes_by_the_truth_of_drop_last(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=bool(request.drop_last)))


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from([5, 2.5, True]))
def a_sampler_has_to_be_iterable(subject: Subject, bad: object) -> None:
    """For a sampler that cannot be iterated a loader MUST refuse to load anything.

    Whoever gives a number of samples there gets other samples than meant, or all of them.
    """
    good = ask(subject, sampler=[3, 1])
    assert good == ([[3], [1]], LOADED)
    answer = ask(subject, sampler=bad)
    assert answer == REFUSED


@a_sampler_has_to_be_iterable.mutant_loader
def counts_up_to_the_sampler(request: LoaderRequest, honest: Honest) -> Any:
    sampler: Any = request.sampler
    return honest(request.but(sampler=range(sampler)) if isinstance(sampler, int) else request)


@a_sampler_has_to_be_iterable.mutant_loader
def passes_over_what_is_no_sampler(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if hasattr(request.sampler, "__iter__") else request.but(sampler=None))


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from([5, [0, 1, 2]]))
def a_batch_sampler_has_to_give_batches(subject: Subject, bad: object) -> None:
    """For a batch_sampler that gives no lists of indices a loader MUST refuse to load anything.

    A sampler given in its place is a slip of one word, after which every batch would be wrong.
    """
    good = ask(subject, batch_sampler=[[3, 1], [0]])
    assert good == ([[3, 1], [0]], LOADED)
    answer = ask(subject, batch_sampler=bad)
    assert answer == REFUSED


@a_batch_sampler_has_to_give_batches.mutant_loader
def takes_an_index_for_a_batch(request: LoaderRequest, honest: Honest) -> Any:
    groups: Any = request.batch_sampler
    single = isinstance(groups, list) and isinstance(groups[0], int)
    return honest(request.but(batch_sampler=[[index] for index in groups]) if single else request)


@a_batch_sampler_has_to_give_batches.mutant_loader
def takes_a_number_for_the_batch_size(request: LoaderRequest, honest: Honest) -> Any:
    size: Any = request.batch_sampler
    number = isinstance(size, int)
    return honest(request.but(batch_sampler=None, batch_size=size) if number else request)


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from([5, "default_collate", []]))
def a_collate_fn_has_to_be_callable(subject: Subject, bad: object) -> None:
    """With a collate_fn that cannot be called a loader MUST NOT deliver any batch, but refuse.

    Its user has asked for batches of another make; those of the default are not what was asked for.
    """
    good = ask(subject, batch_size=2, collate_fn=sum)
    assert good == ([1, 5, 4], LOADED)
    delivered, _ = ask(subject, batch_size=2, collate_fn=bad)
    assert delivered == ["refused"]


@a_collate_fn_has_to_be_callable.mutant_loader
def falls_back_on_the_default_collate_fn(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if callable(request.collate_fn) else request.but(collate_fn=None))


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from([5, "default_collate", []]))
def a_collate_fn_is_looked_at_before_it_is_needed(subject: Subject, bad: object) -> None:
    """With a collate_fn that cannot be called a loader SHOULD refuse before it loads anything.

    A first batch can take minutes to load, and the mistake was there to be seen before.
    """
    good = ask(subject, batch_size=2, collate_fn=sum)
    assert good == ([1, 5, 4], LOADED)
    answer = ask(subject, batch_size=2, collate_fn=bad)
    assert answer == REFUSED


@a_collate_fn_is_looked_at_before_it_is_needed.mutant_loader
def loads_before_it_looks_at_collate_fn(request: LoaderRequest, honest: Honest) -> Any:
    return load_first(request, honest)


@requirement(claims=["D2-056"])
@given(bad=st.sampled_from([42, "42", [42]]))
def a_generator_has_to_be_one_of_torch(subject: Subject, bad: object) -> None:
    """To shuffle with a generator that is no torch.Generator a loader MUST refuse.

    A seed given in its place would either be ignored, and the order not be reproducible, or start
    every epoch alike.
    """
    good, _ = ask(subject, shuffle=True, generator=torch.Generator())
    assert sorted(flat(good)) == [0, 1, 2, 3, 4]
    answer = ask(subject, shuffle=True, generator=bad)
    assert answer == REFUSED


@a_generator_has_to_be_one_of_torch.mutant_loader
def takes_a_number_for_a_seed(request: LoaderRequest, honest: Honest) -> Any:
    if isinstance(request.generator, int):
        return honest(request.but(generator=torch.Generator().manual_seed(request.generator)))
    return honest(request)


@a_generator_has_to_be_one_of_torch.mutant_loader
def goes_without_a_generator_it_cannot_use(request: LoaderRequest, honest: Honest) -> Any:
    usable = isinstance(request.generator, torch.Generator)
    return honest(request if usable else request.but(generator=None))
