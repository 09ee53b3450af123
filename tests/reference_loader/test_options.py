"""Every argument that cannot be is refused at construction: which error, and in which words."""

import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import IterableDataset

from reference_loader import DataLoader, default_collate
from reference_loader.arguments import Options
from reference_loader.options import CHANGEABLE, checked

WORKERS = "leave it out or use num_workers of at least 1"
METHODS = ", ".join(multiprocessing.get_all_start_methods())


class Untouched:
    """A dataset that must not be asked for anything."""

    def __getitem__(self, key: int) -> int:
        raise AssertionError("a sample was loaded")

    def __len__(self) -> int:
        return 10


class NoLength:
    def __getitem__(self, key: int) -> int:
        return key


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


def error_of(make: Any = DataLoader, **arguments: Any) -> Exception:
    with pytest.raises((TypeError, ValueError)) as caught:
        make(**({"dataset": Untouched()} | arguments))
    return caught.value


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"num_workers": 1.0},
        TypeError,
        "num_workers must be an int, got 1.0 (float); use num_workers=0 to load in this process",
    ),
    (
        {"num_workers": True},
        TypeError,
        "num_workers must be an int, got True (bool); use num_workers=0 to load in this process",
    ),
    (
        {"num_workers": "2"},
        TypeError,
        "num_workers must be an int, got '2' (str); use num_workers=0 to load in this process",
    ),
    (
        {"num_workers": -1},
        ValueError,
        "num_workers must be at least 0, got -1; use num_workers=0 to load in this process",
    ),
    (
        {"timeout": "5"},
        TypeError,
        "timeout must be a number of seconds, got '5' (str); use timeout=0 to wait without limit",
    ),
    (
        {"timeout": -1},
        ValueError,
        "timeout must be finite and at least 0, got -1; use timeout=0 to wait without limit",
    ),
    (
        {"timeout": float("nan")},
        ValueError,
        "timeout must be finite and at least 0, got nan; use timeout=0 to wait without limit",
    ),
    (
        {"timeout": 5},
        ValueError,
        f"timeout limits the wait for worker processes, got 5 with num_workers=0; {WORKERS}",
    ),
    (
        {"prefetch_factor": 2},
        ValueError,
        f"prefetch_factor counts batches per worker process, got 2 with num_workers=0; {WORKERS}",
    ),
    (
        {"prefetch_factor": 0, "num_workers": 1},
        ValueError,
        "prefetch_factor must be at least 1, got 0; leave it out for 2 batches per worker",
    ),
    (
        {"prefetch_factor": 1.5, "num_workers": 1},
        TypeError,
        "prefetch_factor must be an int, got 1.5 (float); leave it out for 2 batches per worker",
    ),
    (
        {"persistent_workers": True},
        ValueError,
        f"persistent_workers keeps worker processes alive, got True with num_workers=0; {WORKERS}",
    ),
    (
        {"persistent_workers": None},
        TypeError,
        "persistent_workers must be True or False, got None (NoneType); use a bool",
    ),
    (
        {"multiprocessing_context": "spawn"},
        ValueError,
        "multiprocessing_context says how worker processes start, got 'spawn' with num_workers=0; "
        + WORKERS,
    ),
    (
        {"multiprocessing_context": "thread", "num_workers": 1},
        ValueError,
        f"multiprocessing_context must be one of {METHODS} on this platform, got 'thread'; "
        "leave it out for the default",
    ),
    (
        {"multiprocessing_context": 5, "num_workers": 1},
        TypeError,
        "multiprocessing_context must be a start method or a context object, got 5 (int); "
        "use multiprocessing.get_context(...)",
    ),
    (
        {"batch_size": 0},
        ValueError,
        "batch_size must be at least 1, got 0; use batch_size=None to switch batching off",
    ),
    (
        {"batch_size": -3},
        ValueError,
        "batch_size must be at least 1, got -3; use batch_size=None to switch batching off",
    ),
    (
        {"batch_size": True},
        ValueError,
        "batch_size must be an int or None, got True (bool); "
        "use batch_size=None to switch batching off",
    ),
    (
        {"batch_size": 2.0},
        ValueError,
        "batch_size must be an int or None, got 2.0 (float); "
        "use batch_size=None to switch batching off",
    ),
    (
        {"batch_size": "4"},
        ValueError,
        "batch_size must be an int or None, got '4' (str); "
        "use batch_size=None to switch batching off",
    ),
    (
        {"drop_last": 1},
        ValueError,
        "drop_last must be True or False, got 1 (int); use a bool",
    ),
    (
        {"drop_last": None},
        ValueError,
        "drop_last must be True or False, got None (NoneType); use a bool",
    ),
    (
        {"shuffle": "yes"},
        TypeError,
        "shuffle must be True or False, got 'yes' (str); use a bool",
    ),
    (
        {"sampler": 5},
        TypeError,
        "sampler must be iterable, got 5 (int); give an object with __iter__",
    ),
    (
        {"batch_sampler": 5},
        TypeError,
        "batch_sampler must be iterable, got 5 (int); give an object with __iter__",
    ),
    (
        {"dataset": iter([1, 2])},
        TypeError,
        "dataset must offer __getitem__ or be an IterableDataset, got list_iterator; "
        "wrap what can only be iterated in an IterableDataset",
    ),
    (
        {"dataset": NoLength()},
        TypeError,
        "dataset must offer __len__ where no sampler or batch_sampler gives the keys, "
        "got NoLength; define __len__ or give a sampler",
    ),
    (
        {"collate_fn": 5},
        TypeError,
        "collate_fn must be callable, got 5 (int); leave it out for the default",
    ),
    (
        {"worker_init_fn": "seed"},
        TypeError,
        "worker_init_fn must be callable, got 'seed' (str); leave it out for the default",
    ),
    (
        {"generator": 42},
        TypeError,
        "generator must be a torch.Generator, got 42 (int); "
        "use torch.Generator().manual_seed(seed)",
    ),
    (
        {"pin_memory": "cuda"},
        TypeError,
        "pin_memory must be True or False, got 'cuda' (str); use a bool",
    ),
    (
        {"in_order": 1},
        TypeError,
        "in_order must be True or False, got 1 (int); use a bool",
    ),
    (
        {"pin_memory_device": None},
        TypeError,
        "pin_memory_device must be a str, got None (NoneType); leave it out",
    ),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), REFUSED)
def test_a_wrong_argument_is_refused_in_words(
    arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    error = error_of(**arguments)
    assert type(error) is kind
    assert str(error) == text


# One argument for each check that torch makes too, in the order of the checks. Those that need
# workers come twice in torch's list; here each is wrong with num_workers=0.
WRONG_IN_ORDER: list[dict[str, Any]] = [
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"persistent_workers": True},
    {"multiprocessing_context": "spawn"},
    {"sampler": [1], "shuffle": True},
    {"batch_size": 0},
    {"drop_last": 1},
]
SUBJECTS = ["timeout", "prefetch", "persistent", "multiprocessing", "sampler", "batch_size", "drop"]


@pytest.mark.parametrize("make", [TorchDataLoader, DataLoader])
def test_of_two_wrong_arguments_the_one_that_torch_names_is_named(make: Any) -> None:
    for first, (wrong, subject) in enumerate(zip(WRONG_IN_ORDER, SUBJECTS, strict=True)):
        for later in WRONG_IN_ORDER[first + 1 :]:
            assert subject in str(error_of(make, **(later | wrong)))


def test_the_number_of_workers_is_checked_before_everything_else() -> None:
    for later in WRONG_IN_ORDER:
        assert "num_workers must be at least 0" in str(error_of(num_workers=-1, **later))


def options(**arguments: Any) -> Options:
    defaults: dict[str, Any] = {
        "dataset": Untouched(),
        "batch_size": 1,
        "num_workers": 0,
        "pin_memory": False,
        "drop_last": False,
        "timeout": 0,
        "persistent_workers": False,
        "pin_memory_device": "",
        "in_order": True,
        "on_conflict": "raise",
    }
    names = Options.__dataclass_fields__
    return Options(**(dict.fromkeys(names) | defaults | arguments))


def test_what_was_left_out_is_completed() -> None:
    assert checked(options()).shuffle is False
    assert checked(options()).prefetch_factor is None


def test_good_arguments_are_accepted() -> None:
    generator = torch.Generator()
    given = options(generator=generator, collate_fn=len, worker_init_fn=print, batch_size=3)
    assert checked(given).generator is generator
    assert checked(options(dataset=NoLength(), sampler=[1])).sampler == [1]
    assert checked(options(dataset=NoLength(), batch_sampler=[[1]])).batch_sampler == [[1]]
    assert checked(options(dataset=Stream(), batch_size=None)).batch_size is None


def test_an_argument_is_shown_shortened() -> None:
    error = error_of(collate_fn=list(range(10_000)))
    assert str(error) == (
        "collate_fn must be callable, got [0, 1, 2, 3, 4, 5, ...] (list); "
        "leave it out for the default"
    )


def test_a_lock_is_no_context() -> None:
    error = error_of(multiprocessing_context=threading.Lock(), num_workers=1)
    assert type(error) is TypeError


def test_more_workers_than_cores_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference_loader.options.usable_cores", lambda: 3)
    with pytest.warns(UserWarning, match="num_workers") as caught:
        loader: DataLoader[int] = DataLoader(Untouched(), num_workers=4)
    with pytest.warns(UserWarning, match="num_workers") as later:
        loader.num_workers = 5
    assert str(caught[0].message) == (
        "num_workers should be at most the 3 cores that this process may use, got 4; "
        "more workers wait for each other"
    )
    assert {warning.filename for warning in (*caught, *later)} == {__file__}


def test_as_many_workers_as_cores_are_fine(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr("reference_loader.options.usable_cores", lambda: 3)
    DataLoader(Untouched(), num_workers=3)
    assert not recwarn


CHANGES: list[tuple[str, Any, Any]] = [
    ("num_workers", 0, 0),
    ("num_workers", 2, 2),
    ("timeout", 3.5, 3.5),
    ("prefetch_factor", 4, 4),
    ("prefetch_factor", None, 2),
    ("collate_fn", len, len),
    ("worker_init_fn", print, print),
    ("pin_memory", True, True),
    ("in_order", False, False),
    ("generator", None, None),
    ("pin_memory_device", "", ""),
]


@pytest.mark.parametrize(("name", "value", "expected"), CHANGES)
def test_what_may_be_changed_is_checked_as_at_first(name: str, value: Any, expected: Any) -> None:
    loader: DataLoader[int] = DataLoader(Untouched(), num_workers=1, persistent_workers=True)
    setattr(loader, name, value)
    assert getattr(loader, name) == expected


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [case for case in REFUSED if set(case[0]) <= set(CHANGEABLE)],
)
def test_a_wrong_change_is_refused_in_the_same_words_and_changes_nothing(
    arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    name, value = next(iter(arguments.items()))
    loader: DataLoader[int] = DataLoader(Untouched(), num_workers=len(arguments) - 1)
    before = getattr(loader, name)
    with pytest.raises(kind) as caught:
        setattr(loader, name, value)
    assert str(caught.value) == text
    assert getattr(loader, name) is before


def test_workers_can_be_taken_away_and_given_back_with_all_that_concerns_them() -> None:
    loader: Any = DataLoader(range(4), 2, num_workers=1, timeout=30)
    for workers in (0, 1, 0):
        loader.num_workers = workers
        assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]
    assert (loader.timeout, loader.prefetch_factor) == (30, 2)


def test_workers_can_be_added() -> None:
    loader: DataLoader[int] = DataLoader(range(4), None)
    loader.num_workers = 1
    assert loader.prefetch_factor == 2
    assert list(loader) == [0, 1, 2, 3]


def test_the_default_collation_comes_back_with_none() -> None:
    loader: Any = DataLoader(range(4), 2, collate_fn=len)
    loader.collate_fn = None
    assert loader.collate_fn is default_collate


def test_a_start_method_can_be_set_by_name() -> None:
    loader: Any = DataLoader(range(4), num_workers=1)
    loader.multiprocessing_context = "fork"
    assert loader.multiprocessing_context is multiprocessing.get_context("fork")
