"""The examples of the first document (D1) from end to end, mended where they do not run.

Each check is the example as a user writes it, with its data made checkable; the sentence says what
that user must see.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (
    Dataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from conformance import (
    FALSE_ALARM,
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    epoch,
    flat,
    requirement,
    share_p,
)

EPOCHS = 400


class VariableLengthDataset(Dataset[torch.Tensor]):
    """D1's dataset: sequences of 3, 5 and 2 steps with two features each."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.data = [torch.randn(length, 2, generator=generator) for length in (3, 5, 2)]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, idx: int) -> torch.Tensor:
        return self.data[idx]


def custom_collate_fn(batch_samples: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Collate as D1 does: the longest sequence first, the others padded, and the true lengths."""
    batch_samples.sort(key=lambda x: len(x), reverse=True)
    sequences, lengths = zip(*[(s, len(s)) for s in batch_samples], strict=True)
    return pad_sequence(list(sequences), batch_first=True), torch.tensor(lengths)


def frozen(value: Any) -> Any:
    """Return nested lists as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def pairs(batch: Any) -> list[Any]:
    """Return the (data, label) pairs of a batch; none if it is no batch of two fields."""
    match batch:
        case [list() as data, list() as labels] if len(data) == len(labels):
            return list(zip(frozen(data), frozen(labels), strict=True))
    return []


def in_order(batches: list[Any]) -> list[Any]:
    """Return the samples of all batches that are lists."""
    return flat(batch for batch in batches if isinstance(batch, list))


@requirement(
    claims=[
        *("D1-029", "D1-030", "D1-031", "D1-032", "D1-033"),
        *("D1-035", "D1-036", "D1-037", "D1-038"),
    ]
)
def the_variable_length_example_gives_one_padded_batch(subject: Subject) -> None:
    """In D1's collate_fn example a loader MUST deliver one (3, 5, 2) batch and its lengths 5, 3, 2.

    This is the documents' case for a collate_fn: sequences that cannot be stacked arrive sorted and
    padded, ready for pack_padded_sequence.
    """
    var_len_dataset = VariableLengthDataset(subject.seed)
    three, five, two = var_len_dataset.data
    with subject.open(
        var_len_dataset, batch_size=3, collate_fn=custom_collate_fn
    ) as loader_with_collate:
        delivered = epoch(loader_with_collate)
    padded = torch.zeros(3, 5, 2)
    padded[0, :5], padded[1, :3], padded[2, :2] = five, three, two
    assert delivered == [(padded.tolist(), [5, 3, 2])]


@the_variable_length_example_gives_one_padded_batch.mutant
def delivers_the_sequences_only(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (padded for padded, _ in batches)


@the_variable_length_example_gives_one_padded_batch.mutant
def puts_the_time_first(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return ((padded.transpose(0, 1), lengths) for padded, lengths in batches)


@the_variable_length_example_gives_one_padded_batch.mutant_loader
def collates_one_at_a_time(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=1))


@requirement(claims=["D1-052", "D1-053", "D1-054"])
def the_sequential_sampler_example_repeats_its_order(subject: Subject) -> None:
    """In D1's SequentialSampler example a loader MUST deliver [0, 1], [2, 3], ... in every epoch.

    Predictions are put beside the inputs by their place; an order that moves mismatches them.
    """
    custom_dataset = Identity(7)
    sequential_sampler = SequentialSampler(custom_dataset)
    with subject.open(custom_dataset, batch_size=2, sampler=sequential_sampler) as loader:
        epochs = [epoch(loader) for _ in range(2)]
    assert epochs == [[[0, 1], [2, 3], [4, 5], [6]], [[0, 1], [2, 3], [4, 5], [6]]]


@the_sequential_sampler_example_repeats_its_order.mutant_loader
def shuffles_for_a_sampler(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=None, shuffle=True))


@the_sequential_sampler_example_repeats_its_order.mutant_loader
def starts_the_sampler_once(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=iter(request.sampler or ())))


@requirement(claims=["D1-052", "D1-053", "D1-055"])
def the_random_sampler_example_reorders_every_epoch(subject: Subject) -> None:
    """In D1's RandomSampler example a loader MUST deliver all samples, each epoch in a new order.

    The sampler decides anew in every epoch, and a loader that asks it once trains on the same
    batches for ever. By chance two of the orders agree in 1 of 15! / 3 = 4e11 runs.
    """
    custom_dataset = Identity(15)
    random_sampler = RandomSampler(custom_dataset)
    with subject.open(custom_dataset, batch_size=2, sampler=random_sampler) as loader_random:
        orders = [in_order(epoch(loader_random)) for _ in range(3)]
    missing = [[index for index in range(15) if index not in order] for order in orders]
    repeated = [order for place, order in enumerate(orders) if order in orders[:place]]
    assert ([len(order) for order in orders], missing) == ([15, 15, 15], [[], [], []])
    assert repeated == []


@the_random_sampler_example_reorders_every_epoch.mutant_loader
def asks_the_sampler_once(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(request.sampler or ())))


@the_random_sampler_example_reorders_every_epoch.mutant_loader
def draws_from_what_it_is_told(request: LoaderRequest, honest: Honest) -> Any:
    order = RandomSampler(request.dataset, replacement=True)
    return honest(request.but(sampler=order))


@requirement(
    claims=[
        *("D1-058", "D1-059", "D1-060", "D1-061", "D1-062"),
        *("D1-063", "D1-064", "D1-065", "D1-066", "D1-067", "D1-068"),
    ]
)
def the_weighted_example_evens_out_the_classes(subject: Subject) -> None:
    """In D1's weighted example a loader MUST draw 10 samples an epoch, half of them of class 1.

    Half in the long run: an epoch may well be 6 to 4. Over 400 epochs the test has a false-alarm
    rate of 1e-6, and finds a share under 0.436 or over 0.564 with a power of 0.999; unweighted the
    share of class 1 is 0.2.
    """
    imbalanced_data = torch.arange(10, dtype=torch.float32)
    imbalanced_labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    imbalanced_dataset = TensorDataset(imbalanced_data, imbalanced_labels)
    class_counts = torch.bincount(imbalanced_labels)
    sample_weights = torch.zeros(len(imbalanced_dataset))
    for i, label in enumerate(imbalanced_labels):
        sample_weights[i] = 1.0 / class_counts[label]
    weighted_sampler = WeightedRandomSampler(
        sample_weights.tolist(),
        num_samples=len(sample_weights),
        replacement=True,
        generator=torch.Generator().manual_seed(subject.seed),
    )
    assert (class_counts.tolist(), sample_weights.tolist()) == ([8, 2], [0.125] * 8 + [0.5] * 2)
    with subject.open(
        imbalanced_dataset, batch_size=4, sampler=weighted_sampler
    ) as loader_weighted:
        epochs = [epoch(loader_weighted) for _ in range(EPOCHS)]
    lengths = [[len(pairs(batch)) for batch in batches] for batches in epochs]
    assert lengths == [[4, 4, 2]] * EPOCHS
    drawn = [pair for batches in epochs for batch in batches for pair in pairs(batch)]
    assert set(drawn) == {(float(index), int(index >= 8)) for index in range(10)}
    of_class_1 = sum(label for _, label in drawn)
    p = share_p(of_class_1, len(drawn), 0.5)
    assert p > FALSE_ALARM


@the_weighted_example_evens_out_the_classes.mutant_loader
def forgets_the_weights(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=RandomSampler(request.dataset, replacement=True)))


@the_weighted_example_evens_out_the_classes.mutant_loader
def halves_the_difference_of_the_weights(request: LoaderRequest, honest: Honest) -> Any:
    sampler = WeightedRandomSampler([3.0] * 8 + [8.0] * 2, 10)
    return honest(request.but(sampler=sampler))


@the_weighted_example_evens_out_the_classes.mutant
def delivers_a_sample_once(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    seen: set[float] = set()
    for data, labels in batches:
        new = [place for place, value in enumerate(data.tolist()) if value not in seen]
        seen.update(data.tolist())
        yield [data[new], labels[new]]


@the_weighted_example_evens_out_the_classes.mutant
def numbers_the_labels_by_place(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for data, labels in batches:
        yield [data, labels.sort().values]
