"""Batches taken out of a table as a whole are those that torch makes of its samples."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import Subset, TensorDataset

from reference_loader import DataLoader, exactly, tables
from reference_loader.tables import loads_rows
from tests.reference_loader.comparing import collapsed, steps

ROWS = 7
DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint64),
    *(torch.bool, torch.float8_e4m3fn),
]
TAILS: list[tuple[int, ...]] = [(), (3,), (2, 2), (3, 2, 2), (3, 1, 1), (1, 2, 2), (0,)]


TABLE = TensorDataset(torch.arange(5))


class Doubled(Tensor):
    """A tensor of a class of its own, whose rows are not what it holds."""

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(index) + super().__getitem__(index)


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda tensor: tensor,
    "reversed axes": lambda tensor: tensor.T if tensor.dim() == 2 else tensor,
    "every other row": lambda tensor: torch.cat([tensor, tensor]).view(ROWS, 2, -1)[:, 0],
    "one row": lambda tensor: tensor[:1].expand(tensor.shape),
    "channels last": lambda tensor: (
        tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
    ),
    "with gradient": lambda tensor: (
        tensor.requires_grad_() if tensor.is_floating_point() else tensor
    ),
    "subclass": lambda tensor: tensor.as_subclass(Doubled),
    "conjugated": lambda tensor: tensor.conj(),
    "shared": lambda tensor: tensor.share_memory_(),  # type: ignore[no-untyped-call]
}


def tensor_of(dtype: torch.dtype, tail: tuple[int, ...], layout: str) -> Tensor:
    count = int(np.prod((ROWS, *tail)))
    tensor = torch.arange(count).reshape(ROWS, *tail).to(dtype)
    return LAYOUTS[layout](tensor)


tensors = st.builds(
    tensor_of, st.sampled_from(DTYPES), st.sampled_from(TAILS), st.sampled_from(sorted(LAYOUTS))
)
tables_of_torch = st.lists(tensors, min_size=1, max_size=3).filter(
    lambda made: len({len(tensor) for tensor in made}) == 1
)
indices = st.lists(st.integers(-ROWS - 1, ROWS), min_size=1, max_size=9)
SEQUENCES: list[Callable[[list[int]], Any]] = [list, tuple, torch.tensor, np.array]


@st.composite
def datasets(draw: Any) -> Any:
    dataset: Any = TensorDataset(*draw(tables_of_torch))
    for _ in range(draw(st.integers(0, 2))):
        chosen = st.lists(st.integers(-len(dataset), len(dataset) - 1), min_size=1, max_size=9)
        dataset = Subset(dataset, draw(st.sampled_from(SEQUENCES))(draw(chosen)))
    return dataset


cuts = st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=2)
seeds = st.none() | st.integers(0, 2**32)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    dataset=datasets(),
    batch_size=st.none() | st.integers(1, 8),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=seeds,
    cut=cuts,
)
def test_batches_and_generators_are_those_of_torch(
    dataset: Any,
    batch_size: int | None,
    shuffle: bool,
    drop_last: bool,
    seed: int | None,
    cut: list[int | None],
) -> None:
    """Values, dtypes, strides, gradients and generators after each step equal torch's."""
    arguments: dict[str, Any] = {
        "dataset": dataset,
        "batch_size": batch_size,
        "shuffle": shuffle,
        "drop_last": drop_last and batch_size is not None,
    }
    expected = steps(TorchDataLoader, seed, cut, **arguments)
    assert steps(DataLoader, seed, cut, **arguments) == expected


ODD = [True, 1.0, "a", None, 2**70, np.int64(2), np.uint8(3), torch.tensor(1)]
keys = st.integers(-ROWS - 2, ROWS + 1) | st.sampled_from(ODD)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    dataset=datasets(),
    batches=st.lists(st.lists(keys, min_size=1, max_size=4), min_size=1, max_size=4),
    kind=st.sampled_from([list, tuple]),
    seed=seeds,
)
@example(TensorDataset(torch.arange(ROWS)), [[0, True]], list, None)
@example(TensorDataset(torch.arange(ROWS)), [[0, ROWS], [0, -1], [1]], list, None)
@example(Subset(TensorDataset(torch.arange(ROWS)), [2]), [[0, 1], [-1], [True]], tuple, None)
def test_keys_and_errors_are_those_of_torch(
    dataset: Any, batches: list[list[Any]], kind: type, seed: int | None
) -> None:
    """Keys of any kind find what they find in torch, or fail with the same error."""
    arguments = {"dataset": dataset, "batch_sampler": [kind(batch) for batch in batches]}
    expected = collapsed(steps(TorchDataLoader, seed, **arguments))
    assert collapsed(steps(DataLoader, seed, **arguments)) == expected


def test_the_shorter_way_is_taken_at_all() -> None:
    table = TensorDataset(torch.arange(10.0), torch.arange(10))
    load = loads_rows(Subset(Subset(table, range(1, 9)), [3, 5]))
    assert load is not None
    assert [batch.tolist() for batch in load([1, 0])] == [[6.0, 4.0], [6, 4]]
    assert load(torch.tensor([0], dtype=torch.int32))[1].tolist() == [4]


@pytest.mark.parametrize("width", [1, 8192])  # in bytes, and in memory that is shared
def test_workers_take_the_shorter_way_too(width: int) -> None:
    table = TensorDataset(torch.rand(24, width), torch.arange(24))
    for dataset in (table, Subset(table, range(23, 3, -2))):
        arguments: dict[str, Any] = {"batch_size": 4, "shuffle": True, "num_workers": 2}
        ours, torchs = (
            list(make(dataset, generator=torch.Generator().manual_seed(5), **arguments))
            for make in (DataLoader, torch.utils.data.DataLoader)
        )
        assert [type(batch) for batch in ours] == [type(batch) for batch in torchs]
        for our, their in zip(ours, torchs, strict=True):
            assert all(one.equal(other) for one, other in zip(our, their, strict=True))


def test_an_index_out_of_a_table_is_the_error_of_its_batch_from_a_worker_too() -> None:
    table = TensorDataset(torch.rand(8, 8192))
    loader: DataLoader[Any] = DataLoader(table, 2, sampler=[0, 1, 8, 2, 3, 4], num_workers=1)
    batches = iter(loader)
    assert next(batches)[0].equal(table.tensors[0][:2])
    with pytest.raises(IndexError, match="out of bounds"):
        next(batches)
    assert next(batches)[0].equal(table.tensors[0][3:5])


def test_what_changes_within_an_epoch_is_seen_at_once() -> None:
    table = TensorDataset(torch.arange(6.0))
    batches = iter(DataLoader(table, 2, sampler=[0, 1, 0, 1, 0, 1, 0, 1]))
    assert next(batches)[0].tolist() == [0.0, 1.0]
    table.tensors[0][0] = 9
    assert next(batches)[0].tolist() == [9.0, 1.0]
    table.tensors[0].requires_grad_()
    assert next(batches)[0].requires_grad
    table.tensors = (torch.tensor([5, 6]),)
    assert next(batches)[0].tolist() == [5, 6]


def test_a_default_device_set_by_the_user_does_not_reach_the_keys() -> None:
    arguments: dict[str, Any] = {"batch_size": 3, "sampler": [4, 2, 0, 1]}
    for dataset in (TABLE, Subset(TABLE, range(5))):
        loader: DataLoader[Any] = DataLoader(dataset, **arguments)
        shuffled: DataLoader[Any] = DataLoader(dataset, 3, shuffle=True)
        with torch.device("meta"):
            assert [batch[0].tolist() for batch in loader] == [[4, 2, 0], [1]]
            assert sorted(int(row) for batch in shuffled for row in batch[0]) == [0, 1, 2, 3, 4]


class Asked(TensorDataset):
    """A table that counts what it is asked for, and answers otherwise."""

    def __getitem__(self, index: Any) -> Any:
        asked[index] += 1
        return self.tensors[0][index] * 2


class AskedAtOnce(TensorDataset):
    def __getitems__(self, indices: list[int]) -> Any:
        asked.update(indices)
        return [self.tensors[0][index] * 2 for index in indices]


class Renumbered(Subset[Any]):
    def __getitems__(self, indices: list[int]) -> Any:
        asked.update(indices)
        return [self.dataset[index][0] * 2 for index in indices]


class Indices(list[int]):
    def __getitem__(self, index: Any) -> Any:
        asked[index] += 1
        return super().__getitem__(index) if index else 1


asked: Counter[Any] = Counter()


def with_getitems() -> Any:
    dataset: Any = TensorDataset(torch.arange(5))
    dataset.__getitems__ = AskedAtOnce(torch.arange(5)).__getitems__
    return dataset


OVERRIDING: dict[str, Callable[[], Any]] = {
    "__getitem__": lambda: Asked(torch.arange(5)),
    "__getitem__ below a Subset": lambda: Subset(Asked(torch.arange(5)), range(5)),
    "__getitems__": lambda: AskedAtOnce(torch.arange(5)),
    "__getitems__ of one object": with_getitems,
    "__getitems__ of a Subset": lambda: Renumbered(TABLE, range(5)),
    "the indices of a Subset": lambda: Subset(TABLE, Indices([0, 1, 2, 3, 4])),
}


def made_and_asked(make: Any, dataset: Any) -> Any:
    asked.clear()
    seen = steps(make, 3, dataset=dataset, batch_size=2, shuffle=True)
    return seen, dict(asked)


@pytest.mark.parametrize("kind", OVERRIDING)
def test_what_a_class_overrides_is_asked_as_by_torch(kind: str) -> None:
    expected, counts = made_and_asked(TorchDataLoader, OVERRIDING[kind]())
    assert counts
    assert made_and_asked(DataLoader, OVERRIDING[kind]()) == (expected, counts)


def test_a_method_replaced_in_torchs_own_class_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TensorDataset, "__getitem__", Asked.__getitem__)
    monkeypatch.setattr(Asked, "__getitem__", lambda self, index: (torch.tensor(index),))
    assert loads_rows(TABLE) is None


def test_a_collate_fn_of_the_user_gets_the_samples() -> None:
    loader: DataLoader[Any] = DataLoader(TABLE, 2, collate_fn=list)
    assert next(iter(loader)) == [(torch.tensor(0),), (torch.tensor(1),)]


def test_taking_a_subclass_for_the_class_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above is not blind: with this fault in the loader it fails."""
    monkeypatch.setattr(tables, "is_exactly", isinstance)
    missed = [kind for kind in OVERRIDING if not _differs(OVERRIDING[kind])]
    assert missed == ["the indices of a Subset"]  # which has a check of its own


def test_forgetting_what_tensors_may_be_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_is_plain", lambda tensor: True)
    assert _differs(lambda: TensorDataset(tensor_of(torch.float32, (3,), "subclass")))


def test_taking_any_key_for_an_int_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "int64_of", lambda rows: torch.as_tensor(rows))
    assert _differs(lambda: TABLE, shuffle=None, sampler=[True, 0])


def _differs(dataset: Callable[[], Any], **arguments: Any) -> bool:
    arguments = {"batch_size": 2, "shuffle": True} | arguments
    seen = []
    makers: list[Any] = [TorchDataLoader, DataLoader]
    for make in makers:
        asked.clear()
        seen.append((steps(make, 3, dataset=dataset(), **arguments), dict(asked)))
    return bool(seen[0] != seen[1])


def test_exactly_means_the_class_and_its_own_methods() -> None:
    assert exactly.is_exactly(TABLE, TensorDataset)
    assert not exactly.is_exactly(Asked(torch.arange(2)), TensorDataset)
    assert not exactly.is_exactly(with_getitems(), TensorDataset)
