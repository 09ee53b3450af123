"""The one door to everything foreign: an adapter opens a loader for a request."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from conformance.capability import Capability
from conformance.request import LoaderRequest

EVERY_CAPABILITY = frozenset(Capability)


@dataclass(frozen=True)
class Deviation:
    """A requirement that a loader is known not to meet: why, and where that can be read."""

    requirement: str
    reason: str
    link: str = ""


@dataclass(frozen=True)
class Adapter:
    """How one loader is asked.

    Attributes:
        name: what the loader is called in reports.
        construct: called with the dataset and the DataLoader's keywords, returns the loader. It
            translates; it does not repair. A module-level callable, so that it can be sent to
            another process and written into a reproduction script.
        capabilities: what the loader claims; a request that needs more is never sent to it.
        distribution: the installed distribution whose version belongs into the report.
        deviations: what it is known not to meet.
        offers: further callables of the library that a requirement may ask for by name.

    """

    name: str
    construct: Callable[..., Iterable[Any]]
    capabilities: frozenset[Capability]
    distribution: str = ""
    deviations: tuple[Deviation, ...] = ()
    offers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    @contextmanager
    def open(self, request: LoaderRequest) -> Iterator[Iterable[Any]]:
        """Construct the loader that `request` describes, for as long as the context lasts."""
        yield self.construct(request.dataset, **request.given())

    def signature(self) -> inspect.Signature:
        """Return the signature a user of the loader sees."""
        return inspect.signature(self.construct)


def adapter_for(name: str, construct: Callable[..., Iterable[Any]], **more: Any) -> Adapter:
    """Return an adapter of any callable with a DataLoader-like signature.

    Its capabilities are the parameters that it has. The two uses that a signature cannot show are
    taken as claimed; an adapter written for the loader can say otherwise.

    Raises:
        TypeError: it is not callable, or cannot be called with a dataset as its first argument.

    """
    if not callable(construct):
        raise TypeError(
            f"a loader must be callable with a dataset, got {construct!r}; "
            "name a class or a function, as in --loader package.module:MyLoader"
        )
    parameters = inspect.signature(construct).parameters.values()
    keywords = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        capabilities = EVERY_CAPABILITY
    else:
        always = {Capability.DATASET, Capability.ITERABLE_DATASET, Capability.UNBATCHED}
        capabilities = frozenset({c for c in Capability if c in keywords} | always)
    if not any(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    ):
        raise TypeError(
            f"a loader must take the dataset as its first argument, but {name} takes no positional "
            "argument; wrap it in a function (dataset, **options)"
        )
    return Adapter(name, construct, capabilities, **more)
