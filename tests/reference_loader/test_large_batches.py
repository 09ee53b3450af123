"""Large batches from workers: equal to torch's, whoever keeps, changes or kills what."""

import errno
import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import active_children
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader as TorchDataLoader

from reference_loader import DataLoader, stock
from tests.reference_loader.test_slabs import descriptors, mapped
from tests.reference_loader.workloads import as_is

ROW = 5_000  # floats; a batch of 16 is collated in a slab, one of 2 is copied into one


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = mapped()
    yield
    gc.collect()
    assert active_children() == []
    assert mapped() == before


class Rows:
    """Rows that tell their key, in several kinds."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: int) -> dict[str, Any]:
        row = torch.full((ROW,), float(key))
        return {
            "float32": row,
            "bfloat16": row.to(torch.bfloat16),
            "complex": torch.complex(row, -row),
            "array": np.full((2, ROW), key, dtype=np.int16),
            "transposed": row.reshape(10, -1).T,
            "empty": torch.empty(0, 3),
            "label": key,
            "text": "x" * 20_000,
        }


class Numbered:
    def __init__(self, size: int, row: int = ROW) -> None:
        self.size, self.row = size, row

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, key: int) -> torch.Tensor:
        return torch.full((self.row,), key, dtype=torch.float32)


def numbers(batches: Any) -> list[list[float]]:
    for batch in batches:
        assert bool((batch == batch[:, :1]).all()), "a row is mixed up"
    return [batch[:, 0].tolist() for batch in batches]


def assert_same(ours: Any, theirs: Any) -> None:
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
        for key in ours:
            assert_same(ours[key], theirs[key])
    elif isinstance(ours, torch.Tensor):
        assert (ours.dtype, ours.shape, ours.stride()) == (
            theirs.dtype,
            theirs.shape,
            theirs.stride(),
        )
        assert ours.equal(theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize("size", [2, 16])
def test_every_kind_arrives_as_from_torch(size: int) -> None:
    arguments: dict[str, Any] = {"batch_size": size, "num_workers": 2, "persistent_workers": True}
    ours: DataLoader[Any] = DataLoader(Rows(70), **arguments)
    theirs: TorchDataLoader[Any] = TorchDataLoader(Rows(70), **arguments)  # type: ignore[arg-type]
    for _ in range(2):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_every_way_of_starting_workers_has_slabs(method: str) -> None:
    loader: DataLoader[Any] = DataLoader(
        Numbered(60), 4, num_workers=1, multiprocessing_context=method, persistent_workers=True
    )
    before = mapped()
    batches = iter(loader)
    kept = list(batches)
    assert mapped() > before
    assert numbers(kept) == [[float(4 * n + m) for m in range(4)] for n in range(15)]


def test_an_epoch_that_is_kept_costs_no_descriptor_and_is_never_overwritten() -> None:
    loader: DataLoader[Any] = DataLoader(Numbered(2000), 2, num_workers=2)
    batches = iter(loader)
    kept = [next(batches) for _ in range(20)]
    before = descriptors()
    kept += [next(batches) for _ in range(50)]
    assert descriptors() == before
    kept += batches
    assert mapped() <= 2 * (2 + 3)
    assert numbers(kept) == [[float(2 * n), float(2 * n + 1)] for n in range(1000)]


def test_a_batch_held_across_a_thousand_others_has_no_effect() -> None:
    batches = iter(DataLoader(Numbered(2010), 2, num_workers=2))
    first = [next(batches) for _ in range(5)]
    seen = 0
    for batch in batches:
        assert batch[0, 0] == 10 + 2 * seen
        batch.fill_(-1)  # what the user writes is nobody else's
        seen += 1
    assert seen == 1000
    assert numbers(first) == [[float(2 * n), float(2 * n + 1)] for n in range(5)]


@pytest.mark.parametrize("turn", range(4))
def test_a_worker_that_is_killed_leaves_what_it_has_sent_and_nothing_else(turn: int) -> None:
    batches: Any = iter(DataLoader(Numbered(400, 100_000), 2, num_workers=2))
    kept = [next(batches) for _ in range(3 + turn)]
    crew: Any = batches._executor._crew
    os.kill(crew._members[turn % 2].process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="was killed by SIGKILL"):
        kept += (batch for batch in batches)
    assert numbers(kept) == [[float(2 * n), float(2 * n + 1)] for n in range(len(kept))]


def test_a_batch_that_a_child_has_inherited_is_not_overwritten_there() -> None:
    loader: DataLoader[Any] = DataLoader(Numbered(200), 2, num_workers=1)
    batches = iter(loader)
    for _ in range(6):
        batch = next(batches)
    expected = batch.clone()
    leave, stay = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stay)
        os.read(leave, 1)
        os._exit(0 if batch.equal(expected) else 1)
    del batch
    assert len(list(batches)) == 94
    os.close(stay)
    os.close(leave)
    assert os.waitpid(child, 0)[1] == 0


def test_a_batch_that_the_worker_keeps_is_its_own() -> None:
    class Caching(Numbered):
        def __init__(self, size: int) -> None:
            super().__init__(size)
            self.cache: dict[int, torch.Tensor] = {}

        def __getitems__(self, keys: list[int]) -> torch.Tensor:
            if keys[0] not in self.cache:
                rows = [self[key] for key in keys]
                self.cache[keys[0]] = torch.utils.data.default_collate(rows)
            return self.cache[keys[0]]

    loader: DataLoader[Any] = DataLoader(
        Caching(320), 16, num_workers=2, persistent_workers=True, collate_fn=as_is
    )
    for _ in range(3):
        for number, batch in enumerate(loader):
            assert batch[:, 0].tolist() == [float(16 * number + row) for row in range(16)]
            batch.fill_(-1)


def test_without_memory_for_slabs_batches_come_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(size: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stock, "reserve", full)
    kept = list(DataLoader(Numbered(100), 4, num_workers=2))
    assert numbers(kept) == [[float(4 * n + m) for m in range(4)] for n in range(25)]


def test_without_descriptors_batches_come_all_the_same() -> None:
    batches = iter(DataLoader(Numbered(100), 4, num_workers=2))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    kept: list[Any] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() - 1, hard))
    try:
        kept += batches
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert numbers(kept) == [[float(4 * n + m) for m in range(4)] for n in range(25)]


TINY = """
import torch
from reference_loader import DataLoader
from tests.reference_loader.test_large_batches import Numbered, numbers
kept = list(DataLoader(Numbered(100, 50_000), 4, num_workers=2))
assert numbers(kept) == [[float(4 * n + m) for m in range(4)] for n in range(25)]
print("complete")
"""


def test_the_size_of_dev_shm_does_not_matter() -> None:
    """Where it is tiny, as in containers, others end in a bus error."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    mount = "mount -t tmpfs -o size=8k tmpfs /dev/shm"
    tried = subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip("needs the right to mount")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount} && exec "$0" -c "$1"', sys.executable, TINY],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "complete\n"), done.stderr


def test_slabs_are_bounded_in_number_by_workers_and_prefetch_factor() -> None:
    for workers, factor in ((1, 1), (2, 3)):
        batches = iter(DataLoader(Numbered(400), 2, num_workers=workers, prefetch_factor=factor))
        kept = list(batches)
        gc.collect()
        assert mapped() <= workers * (factor + 3)
        assert len(kept) == 200
        del kept, batches
