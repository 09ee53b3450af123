"""An arm of a comparison: one loader, opened for a work, that does units of it and is checked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import torch

from conformance.adapter import Adapter
from conformance.benchmark.clocks import NOW, descendants, family_seconds
from conformance.benchmark.declaration import Work, same
from conformance.benchmark.pairs import Timed
from conformance.capability import Unsupported
from conformance.processes import Started
from conformance.request import LoaderRequest

COPY_DEADLINE = 600.0  # seconds; the session has a shorter one
Answer = TypeVar("Answer")


class WrongData(Exception):  # noqa: N818 - a verdict
    """What was delivered is not what the work has to deliver, so its time does not count."""


class Arm:
    """A loader at work. To be used as a context, which keeps its loader open.

    Attributes:
        adapter: whose loader it is.
        work: what it does.
        request: what is asked of the loader for it.
        passes: how many passes make a unit.
        burden: extra work after each unit, inside the clock; what a test of the gate injects.
        several: whether there are several processes, so that all of them count.

    Raises:
        Unsupported: on entering, if the loader does not claim what the work needs.

    """

    def __init__(self, adapter: Adapter, work: Work, clock: str) -> None:
        self.adapter = adapter
        self.work = work
        self.passes = 1
        self.burden: Callable[[], Any] | None = None
        self.several = clock in ("wall", "held")
        self._apart = work.apart or clock == "memory"
        self._now = NOW[clock]
        self._open = ExitStack()
        self._pids: list[int] = []
        made = work.request if isinstance(work.request, LoaderRequest) else None
        self.request = made or work.request(adapter.offers)  # type: ignore[operator]

    @property
    def loader(self) -> Any:
        """The loader that stays open."""
        return self._loader

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open a further loader, for as long as the context lasts."""
        with self.adapter.open(self._own(self.request)) as loader:
            yield loader

    def construct(self) -> Any:
        """Open a further loader, for as long as the arm itself is open."""
        return self._open.enter_context(self.opened())

    def check(self) -> None:
        """Iterate once and raise WrongData unless what comes is right."""
        if not self._called(lambda: self.work.check(self.loader)):
            raise WrongData("an epoch did not deliver what it must")

    def unit(self) -> Timed:
        """Do a unit of work and return how long it took; raise WrongData if it was not done."""
        return self._called(
            self._staged if self.work.stages else lambda: self._consumed(self.passes)
        )

    def seconds(self, passes: int) -> float:
        """Return how long so many passes take."""
        return self._consumed(passes).seconds

    def _called(self, function: Callable[[], Answer]) -> Answer:
        """Call a function here, or in a copy of this process, so that the process is as it was."""
        if not self._apart:
            return function()
        with Started(function) as copy:
            answer: Answer | str = copy.answer(COPY_DEADLINE)
        if isinstance(answer, str):  # neither a unit nor a check comes to that: the copy died
            raise ChildProcessError(answer)
        return answer

    def _consumed(self, passes: int) -> Timed:
        consume, loader, now = self.work.consume, self._loader, self._now
        assert consume is not None
        if self.several and not self._pids:
            self._pids = descendants()
        cpu = family_seconds(self._pids) if self.several else 0.0
        start = now()
        for _ in range(passes):
            receipt = consume(loader)
        if self.burden:
            self.burden()
        took = now() - start
        cpu = family_seconds(self._pids) - cpu if self.several else took
        self._accept(receipt)
        return Timed(took, cpu)

    def _staged(self) -> Timed:
        assert self.work.stages is not None
        stages = self.work.stages(self)
        next(stages)
        cpu = family_seconds(descendants()) if self.several else 0.0
        start = self._now()
        receipt = next(stages)
        if self.burden:
            self.burden()
        took = self._now() - start
        cpu = family_seconds(descendants()) - cpu if self.several else took
        for _ in stages:
            pass
        self._accept(receipt)
        return Timed(took, cpu)

    def _accept(self, receipt: Any) -> None:
        if not same(receipt, self.work.receipt):
            raise WrongData("a timed pass did not deliver what it must")

    def _own(self, request: LoaderRequest) -> LoaderRequest:
        """Return the request with a generator of its own, so that arms do not draw from one."""
        if request.generator is None:
            return request
        generator = torch.Generator()
        generator.set_state(request.generator.get_state())
        return request.but(generator=generator)

    def __enter__(self) -> Self:
        missing = sorted(self.request.needs() - self.adapter.capabilities)
        if missing:
            raise Unsupported(f"needs {', '.join(missing)}")
        self._loader = self.construct()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._loader = None
        self._open.close()
