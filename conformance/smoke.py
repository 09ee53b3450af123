"""Whether an adapter works at all, told in seconds and before anything is judged.

What is wrong here is wrong with the adapter, or keeps its loader from being judged; how good the
loader is, the requirements tell. Each trial is a process of its own, against a deadline.
"""

import importlib.metadata
import threading
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from torch.utils.data import IterableDataset

from conformance.adapter import Adapter
from conformance.capability import Capability
from conformance.datasets import Identity, Watched, epoch, flat, plain, seeded
from conformance.footprint import footprint, left_since
from conformance.isolate import Call, Ending, isolated
from conformance.judge import seed_everything, shown, shown_text
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.trace import Trace

SIZE = 10
ALL = list(range(SIZE))
Ask = Callable[..., list[Any]]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an adapter, or a hint at what it could claim."""

    wrong: bool
    what: str
    remedy: str


@dataclass
class Here(Identity):
    """Samples that are the number of the thread, of whichever process, in which they are made."""

    def __getitem__(self, index: int) -> int:
        super().__getitem__(index)
        return threading.get_native_id()


@dataclass
class Numbers(IterableDataset[int]):
    """A stream of the numbers below `size`."""

    size: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size))


@dataclass
class Noting:
    """A worker_init_fn that is recorded, and a collate_fn that cannot be overlooked."""

    trace: Trace

    def __call__(self, _: Any) -> str:
        """Record a call."""
        self.trace.record("call", 0)
        return "collated"


def _sizes(batches: list[Any]) -> list[int]:
    return [len(batch) for batch in batches]


def _by_seed(ask: Ask, seed: int) -> list[Any]:
    return ask(Identity(SIZE), shuffle=True, generator=seeded(seed))


def _shuffles(ask: Ask) -> bool:
    order = flat(ask(Identity(SIZE), shuffle=True))
    return sorted(order) == ALL != order


def _calls(ask: Ask, function: str, **options: Any) -> bool:
    with Trace() as trace:
        ask(Identity(SIZE), **options, **{function: Noting(trace)})
        return bool(trace.keys("call"))


def _loads_on_demand(ask: Ask) -> bool:
    with Trace() as trace:
        ask(Watched(SIZE, trace), taken=0)
        return len(trace.keys()) < SIZE


# How one sees that a capability is there.
SIGNS: dict[Capability, Callable[[Ask], bool]] = {
    Capability.BATCH_SIZE: lambda ask: _sizes(ask(Identity(SIZE), batch_size=4)) == [4, 4, 2],
    Capability.UNBATCHED: lambda ask: ask(Identity(SIZE), batch_size=None) == ALL,
    Capability.SHUFFLE: _shuffles,
    Capability.SAMPLER: lambda ask: flat(ask(Identity(SIZE), sampler=[3, 1, 2])) == [3, 1, 2],
    Capability.BATCH_SAMPLER: lambda ask: (
        ask(Identity(SIZE), batch_sampler=[[4], [2, 0]]) == [[4], [2, 0]]
    ),
    Capability.COLLATE_FN: lambda ask: _calls(ask, "collate_fn"),
    Capability.DROP_LAST: lambda ask: (
        _sizes(ask(Identity(SIZE), batch_size=4, drop_last=True)) == [4, 4]
    ),
    Capability.GENERATOR: lambda ask: _by_seed(ask, 1) == _by_seed(ask, 1) != _by_seed(ask, 2),
    Capability.NUM_WORKERS: lambda ask: (
        threading.get_native_id() not in flat(ask(Here(SIZE), num_workers=2))
    ),
    Capability.WORKER_INIT_FN: lambda ask: _calls(ask, "worker_init_fn", num_workers=1),
    Capability.ITERABLE_DATASET: lambda ask: sorted(flat(ask(Numbers(SIZE)))) == ALL,
    Capability.EMPTY_DATASET: lambda ask: ask(Identity(0)) == [],
    Capability.LAZY_DATASET: _loads_on_demand,
}
# Of these nothing is to be seen so soon but that they are taken.
TAKEN: dict[Capability, dict[str, Any]] = {
    Capability.PIN_MEMORY: {"pin_memory": True},
    Capability.TIMEOUT: {"num_workers": 1, "timeout": 60},
    Capability.MULTIPROCESSING_CONTEXT: {"num_workers": 1, "multiprocessing_context": "fork"},
    Capability.PREFETCH_FACTOR: {"num_workers": 1, "prefetch_factor": 3},
    Capability.PERSISTENT_WORKERS: {"num_workers": 1, "persistent_workers": True},
    Capability.IN_ORDER: {"num_workers": 1, "in_order": False},
}


def smoke(loader: str, claimed: Collection[str], deadline: float, jobs: int) -> Generator[Finding]:
    """Try an adapter, and yield what is wrong with it, and what it does not claim but could.

    Args:
        loader: its name, as `--loader` takes it.
        claimed: its capabilities.
        deadline: seconds for each trial.
        jobs: trials at a time.

    """
    basic = [Call(_basics, (loader,))]
    with closing(isolated(basic, deadline=deadline)) as endings:
        findings = [finding for _, ending in endings for finding in _found(ending, "it", deadline)]
    yield from findings
    if findings:
        return
    tried = [*SIGNS, *(capability for capability in TAKEN if capability in claimed)]
    whole = [Call(_unversioned, (loader,)), Call(_leaks, (loader,))]
    trials = [*whole, *(Call(_tried, (loader, name)) for name in tried)]
    with closing(isolated(trials, deadline=deadline, jobs=jobs)) as endings:
        for call, ending in endings:
            about = call.arguments[-1]
            if about == loader:
                yield from _found(ending, "used twice it", deadline)
            elif ending.returned or about in claimed:
                yield from _found(ending, f"asked for {about} it", deadline)


def _found(ending: Ending, where: str, deadline: float) -> list[Finding]:
    if ending.returned:
        found: list[Finding] = ending.value
        return found
    if ending.death:
        what = f"{where} takes its process down, which {ending.death}"
    else:
        what = f"{where} hangs: it was not over after {deadline:g} s"
    last = shown_text(ending.output.strip(), 1500)
    remedy = "do the same by hand, with the adapter's open"
    return [_wrong(what, f"{remedy}; this was printed last:\n{last}" if last else remedy)]


def _basics(name: str) -> list[Finding]:
    adapter = named(name)
    claimed = adapter.capabilities
    if not claimed & {Capability.DATASET, Capability.ITERABLE_DATASET}:
        return [_wrong("claims no kind of dataset", "add Capability.DATASET to its capabilities")]
    dataset: Any = Identity(SIZE) if Capability.DATASET in claimed else Numbers(SIZE)
    options: dict[str, Any] = {"batch_size": 2} if Capability.BATCH_SIZE in claimed else {}
    request = LoaderRequest(dataset, **options)
    came: list[Any] = []
    stage = f"construct raises, asked {request}"
    try:
        with adapter.open(request) as loader:
            stage = f"construct returns a {type(loader).__name__}, which iter does not take"
            iterator = iter(loader)
            stage = f"it raises when it is iterated, asked {request}"
            came = [plain(batch) for batch in iterator]
            stage = "it raises in the second epoch"
            again = epoch(loader)
            stage = "it raises when it is closed"
    except Exception as error:
        told = shown_text(f"{type(error).__name__}: {error}")
        return [_wrong(f"{stage}: {told}", "call construct by hand with these arguments")]
    if not came:
        return [_wrong(f"it delivers nothing, asked {request}", "return the loader, not consumed")]
    if sorted(map(repr, flat(came))) != sorted(map(repr, ALL)):
        what = (
            f"it does not deliver the samples 0 to {SIZE - 1}, asked {request}: came {shown(came)}"
        )
        return [_wrong(what, "take a batch of the samples out of what the loader delivers")]
    if not again:
        remedy = "return an object whose __iter__ begins an epoch, not a generator"
        return [_wrong("its second epoch delivers nothing", remedy)]
    return []


def _unversioned(name: str) -> list[Finding]:
    distribution = named(name).distribution
    try:
        if distribution:
            importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        what = f"no report can say its version: no distribution {distribution!r} is installed"
        return [
            _wrong(what, "call it as `pip list` does, or leave the adapter's distribution empty")
        ]
    return []


def _leaks(name: str) -> list[Finding]:
    adapter = named(name)
    workers = 2 if Capability.NUM_WORKERS in adapter.capabilities else 0

    def use() -> None:
        with suppress(Exception):  # whether it takes workers is told by another trial
            _ask(adapter)(Identity(SIZE), **({"num_workers": workers} if workers else {}))

    use()  # what the library starts once for all is not counted
    before = footprint()
    use()
    left = left_since(before)
    remedy = "end what construct starts when the loader is closed or collected"
    return [_wrong(f"it leaves behind: {', '.join(left)}", remedy)] if left else []


def _tried(name: str, tried: Capability) -> list[Finding]:
    adapter = named(name)
    claimed = tried in adapter.capabilities
    lazy = Capability.LAZY_DATASET in adapter.capabilities
    member = f"Capability.{tried.name}"
    if tried is Capability.NUM_WORKERS and not lazy:  # the samples were made before it had any
        return []
    asked: list[str] = []
    try:
        seed_everything(0)
        ask = _ask(adapter, asked)
        seen = SIGNS[tried](ask) if tried in SIGNS else ask(Identity(SIZE), **TAKEN[tried]) != []
    except Exception as error:
        if not claimed:
            return []
        told = shown_text(f"{type(error).__name__}: {error}")
        what = f"it claims {tried} and does not take it, asked {asked[-1]}: {told}"
        return [_wrong(what, f"have construct translate it, or take {member} off its capabilities")]
    if claimed and not seen:
        if tried is Capability.LAZY_DATASET:
            what = "it copies the whole dataset before it is iterated, and claims lazy_dataset"
            return [_wrong(what, f"take {member} off its capabilities")]
        what = f"it claims {tried} and shows no sign of it, asked {asked[-1]}"
        return [_wrong(what, f"pass it on to the loader, or take {member} off its capabilities")]
    if seen and not claimed:
        what = f"it takes {tried}, and does not claim it"
        return [Finding(False, what, f"add {member} to its capabilities to have it judged")]
    return []


def _ask(adapter: Adapter, asked: list[str] | None = None) -> Ask:
    def ask(dataset: Any, taken: int | None = None, **options: Any) -> list[Any]:
        request = LoaderRequest(dataset, **options)
        if asked is not None:
            asked.append(str(request))
        with adapter.open(request) as loader:
            return [] if taken == 0 else epoch(loader)

    return ask


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(True, what, remedy)
