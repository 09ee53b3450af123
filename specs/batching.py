"""How samples are grouped: batch sizes and counts, the short last batch, and no batching at all."""

import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    epoch,
    flat,
    given,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"

sizes = st.integers(0, 40)
batch_sizes = st.integers(1, 12)


@requirement(claims=["D1-001", "D1-009", "D2-002", "D2-009", "D2-026", "D2-032"])
@given(size=sizes, batch_size=batch_sizes)
def samples_are_grouped_in_order(subject: Subject, size: int, batch_size: int) -> None:
    """With batch_size=n a loader MUST deliver the samples n at a time, in order, the rest last.

    Step counts, learning rates and the memory that a step takes are all reckoned from it.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        batches = epoch(loader)
    expected = [
        list(range(size))[start : start + batch_size] for start in range(0, size, batch_size)
    ]
    assert batches == expected


@samples_are_grouped_in_order.mutant_loader
def makes_batches_of_equal_size(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    batches = -(-size // (request.batch_size or 1))
    return honest(request.but(batch_size=-(-size // max(batches, 1)) or 1))


@samples_are_grouped_in_order.mutant_loader
def takes_every_nth_sample_into_a_batch(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    step = -(-size // (request.batch_size or 1)) or 1
    return honest(
        request.but(sampler=[i for start in range(step) for i in range(start, size, step)])
    )


@requirement(claims=["D1-016", "D1-017", "D2-019", "D2-020"])
@given(size=st.integers(1, 40), batch_size=batch_sizes)
def the_short_last_batch_is_kept_by_default(subject: Subject, size: int, batch_size: int) -> None:
    """Unless drop_last is given, the last batch MUST hold the samples that are left and no more.

    To drop them leaves samples unevaluated; to fill the batch up counts some twice.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        last = epoch(loader)[-1:]
    left = size % batch_size or batch_size
    assert last == [list(range(size - left, size))]


@the_short_last_batch_is_kept_by_default.mutant_loader
def drops_the_short_batch_by_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=True))


@the_short_last_batch_is_kept_by_default.mutant
def drops_a_last_batch_of_one(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        if len(batch) > 1 or request.batch_size == 1:
            yield batch


@the_short_last_batch_is_kept_by_default.mutant_loader
def fills_the_short_batch_up(request: LoaderRequest, honest: Honest) -> Any:
    size, batch_size = len(request.dataset), request.batch_size or 1
    whole = range(size + -size % batch_size)
    return honest(request.but(sampler=[index % size for index in whole]))


@requirement(claims=["D1-015", "D2-020"])
@given(size=sizes, batch_size=batch_sizes)
def drop_last_discards_only_the_short_batch(subject: Subject, size: int, batch_size: int) -> None:
    """With drop_last a loader MUST deliver every full batch and nothing else.

    A model with batch statistics breaks on a short batch; to drop a full one loses data.
    """
    with subject.open(Identity(size), batch_size=batch_size, drop_last=True) as loader:
        batches = epoch(loader)
    starts = [number * batch_size for number in range(size // batch_size)]
    assert batches == [list(range(start, start + batch_size)) for start in starts]


@drop_last_discards_only_the_short_batch.mutant_loader
def keeps_the_short_batch(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@drop_last_discards_only_the_short_batch.mutant
def drops_the_last_batch_even_if_full(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    kept = list(batches)
    full = len(request.dataset) % (request.batch_size or 1) == 0
    return kept[:-1] if full else kept


@requirement(claims=["D2-031"])
@given(size=sizes, batch_size=batch_sizes)
def drop_last_with_shuffle_keeps_full_batches(subject: Subject, size: int, batch_size: int) -> None:
    """With shuffle and drop_last a loader MUST deliver full batches only, of different samples.

    It is the usual training loader; which samples are left out may differ from epoch to epoch.
    """
    size += batch_size  # an empty dataset cannot be shuffled
    with subject.open(
        Identity(size), batch_size=batch_size, shuffle=True, drop_last=True
    ) as loader:
        batches = epoch(loader)
    lengths = [len(flat([batch])) for batch in batches]
    once = [index for index in range(size) if flat(batches).count(index) == 1]
    full = size // batch_size
    assert (lengths, len(once)) == ([batch_size] * full, batch_size * full)


@drop_last_with_shuffle_keeps_full_batches.mutant_loader
def forgets_drop_last_when_shuffling(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@drop_last_with_shuffle_keeps_full_batches.mutant_loader
def shuffles_with_replacement(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    return honest(request.but(shuffle=None, sampler=torch.randint(size, (size,)).tolist()))


@requirement(claims=["D1-006a", "D2-006", "D2-008"])
@given(size=sizes)
def by_default_a_batch_holds_one_sample(subject: Subject, size: int) -> None:
    """Of a dataset given alone a loader MUST deliver batches of one sample, not bare samples.

    A model that expects a batch dimension fails, or silently takes the first feature for it.
    """
    with subject.open(Identity(size)) as loader:
        batches = epoch(loader)
    assert batches == [[index] for index in range(size)]


@by_default_a_batch_holds_one_sample.mutant_loader
def does_not_batch_by_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=None))


@by_default_a_batch_holds_one_sample.mutant_loader
def makes_batches_of_two_by_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=2))


@requirement(evidence=[f"{DOCS}#disable-automatic-batching"])
@given(size=sizes)
def without_batch_size_samples_come_bare(subject: Subject, size: int) -> None:
    """With batch_size=None a loader MUST deliver the samples one by one, without a batch dimension.

    A dataset that makes its own batches would otherwise have them wrapped once more.
    """
    rows = [[10 * index, 10 * index + 1] for index in range(size)]
    dataset = Samples([torch.tensor(row) for row in rows])
    with subject.open(dataset, batch_size=None) as loader:
        delivered = epoch(loader)
    assert delivered == rows


@without_batch_size_samples_come_bare.mutant_loader
def takes_none_for_one(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=1))


@without_batch_size_samples_come_bare.mutant_loader
def takes_none_for_the_whole_dataset(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=len(request.dataset) or 1))


@requirement(claims=["D1-040", "D1-041", "D1-070", "D2-001", "D2-026"])
@given(indices=st.lists(st.integers(0, 9), max_size=30), batch_size=batch_sizes)
def indices_are_grouped_as_the_sampler_yields_them(
    subject: Subject, indices: list[int], batch_size: int
) -> None:
    """With a sampler its indices MUST fill batch after batch, in order and with repetitions.

    A sampler that puts like beside like, or a rare sample twice, relies on it.
    """
    with subject.open(Identity(10), batch_size=batch_size, sampler=indices) as loader:
        batches = epoch(loader)
    starts = range(0, len(indices), batch_size)
    assert batches == [indices[start : start + batch_size] for start in starts]


@indices_are_grouped_as_the_sampler_yields_them.mutant_loader
def sorts_the_indices_of_a_batch(request: LoaderRequest, honest: Honest) -> Any:
    indices, step = [*request.sampler], request.batch_size or 1  # type: ignore[misc]
    batches = [sorted(indices[start : start + step]) for start in range(0, len(indices), step)]
    return honest(request.but(sampler=flat(batches)))


@indices_are_grouped_as_the_sampler_yields_them.mutant_loader
def draws_no_index_twice(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(dict.fromkeys(request.sampler or ()))))


@indices_are_grouped_as_the_sampler_yields_them.mutant_loader
def takes_an_empty_sampler_for_none(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=request.sampler or None))


@requirement(evidence=[DOCS])
@given(batch_size=st.integers(1, 4))
def a_batch_belongs_to_the_caller(subject: Subject, batch_size: int) -> None:
    """To alter a batch MUST NOT alter the dataset, nor any batch that is delivered later.

    Batches are normalised and augmented in place; done to the data itself, it is done every epoch.
    """
    samples = [torch.tensor([index, -index]) for index in range(6)]
    delivered = []
    with subject.open(Samples(samples), batch_size=batch_size) as loader:
        for _ in range(2):
            for batch in loader:
                delivered += flat([plain(batch)])
                if isinstance(batch, torch.Tensor):
                    batch.fill_(99)
    rows = [[index, -index] for index in range(6)]
    assert (delivered, plain(samples)) == (rows * 2, rows)


@a_batch_belongs_to_the_caller.mutant
def views_the_sample_of_a_batch_of_one(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for number, batch in enumerate(batches):
        alone = request.batch_size == 1
        yield request.dataset[number].unsqueeze(0) if alone else batch


@a_batch_belongs_to_the_caller.mutant_loader
def delivers_the_same_batches_again(request: LoaderRequest, honest: Honest) -> Any:
    return list(honest(request))


@requirement(evidence=[DOCS])
@given(size=st.integers(1, 20), batch_size=batch_sizes)
def a_kept_batch_is_not_overwritten(subject: Subject, size: int, batch_size: int) -> None:
    """Once delivered a batch MUST NOT change when later ones come.

    Predictions and replay buffers collect batches; a reused buffer makes all of them the last one.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        kept = [*iter(loader)]
    assert flat(plain(batch) for batch in kept) == list(range(size))


@a_kept_batch_is_not_overwritten.mutant
def reuses_its_buffer(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    buffer = torch.empty(request.batch_size or 1, dtype=torch.int64)
    for batch in batches:
        yield buffer[: len(batch)].copy_(batch)


def rows_kept_of_each(subject: Subject, samples: list[torch.Tensor]) -> list[Any]:
    """Return the second row of each batch, of which nothing else is kept."""
    kept = []
    with subject.open(Samples(samples), batch_size=4) as loader:
        for batch in loader:
            kept.append(batch[1])
            del batch
    return kept


@requirement(evidence=[DOCS])
def a_row_that_is_kept_of_a_batch_is_not_overwritten(subject: Subject) -> None:
    """A part of a batch that outlives it MUST NOT change when later batches come.

    A row, or an array made of it, is a view of the batch's memory. A loader that takes the memory
    of large batches back must look at whether it is still seen, not at whether the batch is there.
    """
    samples = [torch.full((300_000,), float(index)) for index in range(40)]
    rows = rows_kept_of_each(subject, samples)
    least_and_most = [(float(row.min()), float(row.max())) for row in rows]
    assert least_and_most == [(4.0 * batch + 1, 4.0 * batch + 1) for batch in range(10)]


@a_row_that_is_kept_of_a_batch_is_not_overwritten.mutant
def takes_memory_back_with_the_batch(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    free: list[torch.Tensor] = []

    def lent(batch: torch.Tensor) -> torch.Tensor:
        memory = free.pop() if free else torch.empty_like(batch)
        whole = memory.copy_(batch)[:]
        weakref.finalize(whole, free.append, memory)
        return whole

    return map(lent, batches)
