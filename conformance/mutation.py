"""Plants a mutant into a loader, to see whether the specification notices."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from conformance.adapter import Adapter
from conformance.request import LoaderRequest
from conformance.requirement import Mutant


@dataclass(frozen=True)
class Mutated:
    """A constructor with a vice. A value, as it may be sent to another process."""

    honest: Adapter
    mutant: Mutant

    def __call__(self, dataset: Any, **options: Any) -> Iterable[Any]:
        """Construct the broken loader with the DataLoader's keywords."""
        request = LoaderRequest(dataset, **options)
        return (
            self.mutant.build(request, self._honest) if self.mutant.build else self._honest(request)
        )

    def _honest(self, request: LoaderRequest) -> Iterable[Any]:
        return self.honest.construct(request.dataset, **request.given())

    @property
    def __signature__(self) -> inspect.Signature:
        signature = self.honest.signature()
        return self.mutant.sign(signature) if self.mutant.sign else signature


def mutated(adapter: Adapter, mutant: Mutant) -> Adapter:
    """Return an adapter of the same loader gone wrong in one way."""
    name = f"{adapter.name} with {mutant.name}"
    return replace(adapter, name=name, construct=Mutated(adapter, mutant), called=None)
