"""The loader as its user meets it: its signature, its epochs, its length and its attributes."""

import copy
import inspect
import pickle
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import IterableDataset, TensorDataset

from reference_loader import DataLoader, default_collate, default_convert
from tests.reference_loader.workloads import Note, Scripted, Wait, as_is, until


class Traced:
    """Records which keys were asked for, and fails at some of them."""

    def __init__(self, size: int, failing: dict[int, BaseException] | None = None) -> None:
        self.size = size
        self.failing = failing or {}
        self.asked: list[int] = []

    def __getitem__(self, key: int) -> int:
        self.asked.append(key)
        if key in self.failing:
            raise self.failing[key]
        return key

    def __len__(self) -> int:
        return self.size


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(5))


class SizedStream(Stream):
    def __len__(self) -> int:
        return 5


class Sampler:
    """A sampler without a length, which counts how often it is started."""

    def __init__(self, keys: list[Any]) -> None:
        self.keys = keys
        self.started = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        self.started += 1
        return self._run()

    def _run(self) -> Iterator[Any]:
        try:
            yield from self.keys
        finally:
            self.closed += 1


def values(loader: Any) -> list[Any]:
    return [batch.tolist() if isinstance(batch, torch.Tensor) else batch for batch in loader]


def outcomes(batches: Iterator[Any]) -> list[Any]:
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(batches).tolist())
        except StopIteration:
            return seen
        except BaseException as error:
            seen.append(type(error))


def test_the_signature_is_torchs_and_one_argument_more() -> None:
    ours = list(inspect.signature(DataLoader).parameters.values())
    theirs = inspect.signature(TorchDataLoader).parameters.values()

    def shape(parameter: inspect.Parameter) -> tuple[Any, ...]:
        return (parameter.name, parameter.kind, parameter.default)

    assert [shape(each) for each in ours[:-1]] == [shape(each) for each in theirs]
    assert shape(ours[-1]) == ("on_conflict", inspect.Parameter.KEYWORD_ONLY, "raise")


def test_it_is_used_like_torchs() -> None:
    dataset = TensorDataset(torch.arange(20.0).reshape(10, 2), torch.arange(10))
    loader: DataLoader[Any] = DataLoader(dataset, batch_size=4)
    assert [(x.shape, y.tolist()) for x, y in loader] == [
        ((4, 2), [0, 1, 2, 3]),
        ((4, 2), [4, 5, 6, 7]),
        ((2, 2), [8, 9]),
    ]


def test_the_first_epochs_of_seed_42_are_these() -> None:
    generator = torch.Generator().manual_seed(42)
    loader = DataLoader(range(10), 4, shuffle=True, generator=generator)
    assert values(loader) == [[6, 5, 4, 0], [8, 9, 2, 1], [3, 7]]
    assert values(loader) == [[3, 6, 5, 8], [9, 4, 2, 0], [7, 1]]
    assert torch.randint(1000, (5,), generator=generator).tolist() == [186, 822, 577, 519, 707]


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    dataset = Traced(6)
    batches = iter(DataLoader(dataset, batch_size=2))
    assert dataset.asked == []
    next(batches)
    assert dataset.asked == [0, 1]


@pytest.mark.parametrize("error", [OSError("disk"), IndexError(3), KeyboardInterrupt()])
def test_a_failed_batch_is_skipped_and_the_ones_after_it_come(error: BaseException) -> None:
    loader = DataLoader(Traced(6, {2: error}), batch_size=2)
    assert outcomes(iter(loader)) == [[0, 1], type(error), [4, 5]]


def test_an_error_in_collation_is_skipped_as_well() -> None:
    def collate(batch: list[int]) -> torch.Tensor:
        if 2 in batch:
            raise ValueError("two")
        return torch.tensor(batch)

    loader = DataLoader(Traced(6), batch_size=2, collate_fn=collate)
    assert outcomes(iter(loader)) == [[0, 1], ValueError, [4, 5]]


def test_stop_iteration_does_not_end_the_epoch_unnoticed() -> None:
    loader = DataLoader(Traced(6, {2: StopIteration()}), batch_size=2)
    assert outcomes(iter(loader)) == [[0, 1], RuntimeError, [4, 5]]


@pytest.mark.parametrize("name", ["sampler", "batch_sampler"])
@pytest.mark.parametrize("batched", [True, False])
def test_a_sampler_is_started_once_an_epoch_and_closed_with_it(name: str, batched: bool) -> None:
    sampler = Sampler([[0, 1], [2, 3]] if name == "batch_sampler" else [0, 1, 2, 3])
    arguments: dict[str, Any] = {name: sampler}
    if name == "sampler":
        arguments["batch_size"] = 2 if batched else None
    loader: DataLoader[int] = DataLoader(range(4), **arguments)
    list(loader)
    assert (sampler.started, sampler.closed) == (1, 1)
    for _ in loader:
        break
    assert (sampler.started, sampler.closed) == (2, 2)


def test_iterators_of_one_loader_are_independent() -> None:
    loader: DataLoader[int] = DataLoader(range(3), batch_size=None)
    assert [(a, b) for a in loader for b in loader] == [(a, b) for a in range(3) for b in range(3)]


def test_an_ended_iterator_stays_ended() -> None:
    for loader in (DataLoader(range(3)), DataLoader(Stream(), batch_size=None)):
        batches = iter(loader)
        assert iter(batches) is batches
        list(batches)
        assert [next(batches, "end") for _ in range(3)] == ["end"] * 3


def test_streams_are_batched() -> None:
    assert values(DataLoader(Stream(), 2)) == [[0, 1], [2, 3], [4]]
    assert values(DataLoader(Stream(), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert values(DataLoader(Stream(), None)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [None, 1, 4])
def test_an_empty_dataset_has_epochs_without_a_batch(shuffle: bool, batch_size: int | None) -> None:
    loader: DataLoader[int] = DataLoader([], batch_size, shuffle=shuffle)
    assert (list(loader), list(loader), len(loader), bool(loader)) == ([], [], 0, False)


@pytest.mark.parametrize(
    ("arguments", "length"),
    [
        ({"batch_size": 3}, 4),
        ({"batch_size": 3, "drop_last": True}, 3),
        ({"batch_size": None}, 10),
        ({"batch_size": 3, "sampler": range(4)}, 2),
        ({"batch_size": None, "sampler": range(4)}, 4),
        ({"batch_size": 3, "sampler": []}, 0),
        ({"batch_sampler": [[1], [2]]}, 2),
        ({"dataset": SizedStream(), "batch_size": 2}, 3),
        ({"dataset": SizedStream(), "batch_size": 2, "drop_last": True}, 2),
        ({"dataset": SizedStream(), "batch_size": None}, 5),
    ],
)
def test_the_length_is_the_number_of_batches(arguments: dict[str, Any], length: int) -> None:
    loader: DataLoader[int] = DataLoader(**({"dataset": range(10)} | arguments))
    assert len(loader) == length == len(list(loader))


def test_the_length_follows_a_growing_dataset() -> None:
    dataset = [0, 1]
    loader: DataLoader[int] = DataLoader(dataset, 2)
    dataset.append(2)
    assert len(loader) == 2


@pytest.mark.parametrize(
    ("loader", "source"),
    [
        (DataLoader(Stream()), "Stream"),
        (DataLoader(range(3), sampler=Sampler([0])), "Sampler"),
        (DataLoader(range(3), batch_size=None, sampler=Sampler([0])), "Sampler"),
        (DataLoader(range(3), batch_sampler=Sampler([[0]])), "Sampler"),
    ],
)
def test_an_unknown_length_is_said_in_words_and_means_true(
    loader: DataLoader[int], source: str
) -> None:
    with pytest.raises(TypeError) as caught:
        len(loader)
    assert str(caught.value) == (
        f"a loader is as long as what gives its samples, got {source} without __len__; "
        "define it or count while iterating"
    )
    assert bool(loader)


def test_attributes_say_what_holds() -> None:
    dataset = range(10)
    generator = torch.Generator()
    loader: DataLoader[int] = DataLoader(dataset, 4, True, generator=generator)
    torchs: TorchDataLoader[int] = TorchDataLoader(
        dataset,  # type: ignore[arg-type]
        4,
        True,
        generator=generator,
    )
    for name in inspect.signature(TorchDataLoader).parameters:
        if name not in ("shuffle", "sampler", "batch_sampler", "collate_fn"):
            assert getattr(loader, name) == getattr(torchs, name), name
    assert loader.collate_fn is default_collate
    assert DataLoader(dataset, None).collate_fn is default_convert
    assert (len(loader.sampler), len(loader.batch_sampler)) == (10, 3)
    assert loader.batch_sampler.sampler is loader.sampler


def test_a_batch_sampler_leaves_no_batch_size() -> None:
    loader: DataLoader[int] = DataLoader(range(3), batch_sampler=[[0], [1, 2]])
    assert (loader.batch_size, loader.sampler, loader.drop_last) == (None, None, False)
    assert values(loader) == [[0], [1, 2]]


FIXED = [
    *("dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "persistent_workers"),
    *("shuffle", "on_conflict"),
]


@pytest.mark.parametrize("name", FIXED)
def test_what_decides_the_batches_is_fixed(name: str) -> None:
    loader: DataLoader[int] = DataLoader(range(3))
    with pytest.raises(ValueError, match=name) as caught:
        setattr(loader, name, getattr(loader, name))
    assert str(caught.value) == (
        f"{name} is fixed when a DataLoader is built, got an assignment; build a new one"
    )


def test_a_user_can_add_attributes() -> None:
    loader: Any = DataLoader(range(3))
    loader.epoch = 4
    assert loader.epoch == 4


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_where_the_original_stands(duplicate: Any) -> None:
    generator = torch.Generator().manual_seed(3)
    loader: DataLoader[int] = DataLoader(range(9), 2, shuffle=True, generator=generator)
    list(loader)
    twin = duplicate(loader)
    assert values(twin) == values(loader)
    assert values(twin) == values(loader)


def test_a_plain_mapping_is_a_dataset_for_a_sampler_of_its_keys() -> None:
    loader: DataLoader[int] = DataLoader({"a": 1, "b": 2}, None, sampler=["b", "a"])
    assert list(loader) == [2, 1]


def test_a_generic_alias_can_be_written() -> None:
    assert list(DataLoader[int](range(2), None)) == [0, 1]


def test_pinning_without_an_accelerator_warns_once_an_epoch_and_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reference_loader.pinning._accelerator", lambda: None)
    loader = DataLoader(range(4), 2, pin_memory=True)
    with pytest.warns(UserWarning, match="delivered unpinned") as caught:
        assert values(loader) == [[0, 1], [2, 3]]
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_pinning_pins_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Batch:
        def __init__(self, samples: list[int]) -> None:
            self.samples = samples

        def pin_memory(self) -> list[Any]:
            return ["pinned", *self.samples]

    monkeypatch.setattr("reference_loader.pinning._accelerator", lambda: "cuda")
    loader: DataLoader[int] = DataLoader(range(3), 2, collate_fn=Batch, pin_memory=True)
    assert list(loader) == [["pinned", 0, 1], ["pinned", 2]]


def test_the_pinning_device_is_out_of_use() -> None:
    with pytest.warns(DeprecationWarning, match="pin_memory_device") as caught:
        DataLoader(range(3), pin_memory_device="cuda")
    assert str(caught[0].message) == (
        "pin_memory_device is out of use, got 'cuda', which has no effect; leave it out"
    )
    assert caught[0].filename == __file__


def test_no_warning_is_given_without_a_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(DataLoader(range(3), 2, shuffle=True))


def test_workers_prepare_as_many_batches_ahead_as_were_asked_for(tmp_path: Path) -> None:
    """Known from the files that they leave: at once so many, and one more for each delivered."""
    note = Note(tmp_path)

    class Noting:
        def __len__(self) -> int:
            return 40

        def __getitem__(self, key: int) -> int:
            note(key)
            return key

    batches = iter(DataLoader(Noting(), 2, num_workers=2, prefetch_factor=3))
    sampled = 2 * 3 * 2
    for delivered in range(3):
        until(lambda: note.calls() == sampled + 2 * delivered)  # noqa: B023  it is called here
        time.sleep(0.05)
        assert note.calls() == sampled + 2 * delivered
        next(batches)


def test_without_order_a_slow_batch_keeps_no_other_waiting(tmp_path: Path) -> None:
    wait = Wait(tmp_path)
    loader: DataLoader[int] = DataLoader(
        Scripted(12, {0: wait}), None, num_workers=2, in_order=False
    )
    batches = iter(loader)
    others = [next(batches) for _ in range(10)]
    assert 0 not in others
    wait.go_on.touch()
    assert sorted([*others, *batches]) == list(range(12))


def test_a_sampler_is_started_once_an_epoch_with_workers_too() -> None:
    for arguments in ({"batch_sampler": Sampler([[0], [1, 2]])}, {"sampler": Sampler([0, 1])}):
        sampler = next(iter(arguments.values()))
        loader: Any = DataLoader(
            range(4),
            num_workers=1,
            persistent_workers=True,
            collate_fn=as_is,
            **arguments,  # type: ignore[arg-type]
        )
        for epoch in (1, 2):
            list(loader)
            assert (sampler.started, sampler.closed) == (epoch, epoch)


ROWS: list[list[Any]] = [
    [1, 2.5],  # in torch's workers this fails
    [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}],
    [(1, [2.5]), (3, [4.5])],
    [torch.ones(2, requires_grad=True), torch.zeros(2)],
    [torch.tensor(1, dtype=torch.bfloat16), torch.tensor(2, dtype=torch.bfloat16)],
    ["a", "b"],
    [True, False],
]


@pytest.mark.parametrize("samples", ROWS, ids=lambda samples: type(samples[0]).__name__)
def test_batches_are_the_same_with_and_without_workers(samples: list[Any]) -> None:
    (inline,) = DataLoader(samples, 2)
    (apart,) = DataLoader(samples, 2, num_workers=1)
    assert repr(apart).replace(", requires_grad=True", "") == repr(inline).replace(
        ", grad_fn=<StackBackward0>", ""
    )


def test_pinning_pins_what_comes_from_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference_loader.pinning._accelerator", lambda: "cuda")
    loader: DataLoader[Any] = DataLoader(
        range(3), None, num_workers=1, collate_fn=Pinnable, pin_memory=True
    )
    assert list(loader) == [("pinned", 0), ("pinned", 1), ("pinned", 2)]


class Pinnable:
    def __init__(self, sample: int) -> None:
        self.sample = sample

    def pin_memory(self) -> tuple[str, int]:
        return "pinned", self.sample
