"""The one door to everything foreign: an adapter opens a loader for a request."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.capability import Capability
from conformance.request import LoaderRequest

EVERY_CAPABILITY = frozenset(Capability)
Kind = Literal["defect", "documented"]
UNREPORTED = (
    ""  # in the place of a link: what was observed, and its reason says that no issue is known
)


@dataclass(frozen=True)
class Deviation:
    """A requirement that a loader is known not to meet: why, and where that can be read.

    It is a defect, or what the library's documents say it does instead. `start_methods` are those
    with which it is so, where it is not so with all of them.
    """

    requirement: str
    reason: str
    link: str = ""
    kind: Kind = "defect"
    start_methods: tuple[str, ...] = ()

    def applies(self, start_method: str) -> bool:
        """Whether it is so where workers are started by default in this way."""
        return not self.start_methods or start_method in self.start_methods


def deviations(
    reason: str, link: str, *requirements: str, kind: Kind = "defect"
) -> tuple[Deviation, ...]:
    """Return the deviations from several requirements that have one cause."""
    return tuple(Deviation(requirement, reason, link, kind) for requirement in requirements)


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
        offers: further callables of the library that a requirement may ask for by name:
            "pad_collate(padding)", a collate_fn; "accelerator(pin)", a context in which the loader
            finds an accelerator and pins a tensor by `pin(tensor)`, or finds none if `pin` is None.
            For a loader that asks torch it is `conformance.simulated.simulated_accelerator`.
        called: what a user of the library calls, where `construct` translates for it.

    """

    name: str
    construct: Callable[..., Iterable[Any]]
    capabilities: frozenset[Capability]
    distribution: str = ""
    deviations: tuple[Deviation, ...] = ()
    offers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    called: Callable[..., Any] | None = None

    @contextmanager
    def open(self, request: LoaderRequest) -> Iterator[Iterable[Any]]:
        """Construct the loader that `request` describes, for as long as the context lasts."""
        yield self.construct(request.dataset, **request.given())

    def signature(self) -> inspect.Signature:
        """Return the signature a user of the loader sees."""
        return inspect.signature(self.called or self.construct)


def adapter_for(name: str, construct: Callable[..., Iterable[Any]], **more: Any) -> Adapter:
    """Return an adapter of any callable with a DataLoader-like signature.

    Its capabilities are the parameters that it has. Datasets of every kind, and doing without
    batches unless batch_size is annotated as an int, are taken as claimed: a signature cannot show
    them. An adapter written for the loader can say otherwise.

    Raises:
        TypeError: it is not callable, or cannot be called with a dataset as its first argument.

    """
    if not callable(construct):
        raise TypeError(
            f"a loader must be callable with a dataset, got {construct!r}; "
            "name a class or a function, as in --loader package.module:MyLoader"
        )
    parameters = inspect.signature(construct).parameters.values()
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    if not any(parameter.kind in positional for parameter in parameters):
        raise TypeError(
            f"a loader must take the dataset as its first argument, but {name} takes no positional "
            "argument; wrap it in a function (dataset, **options)"
        )
    return Adapter(name, construct, _shown_by(parameters), **more)


def _shown_by(parameters: Iterable[inspect.Parameter]) -> frozenset[Capability]:
    named = {
        parameter.name: parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return EVERY_CAPABILITY
    shown = {capability for capability in Capability if capability in named}
    shown |= {capability for capability in Capability if capability.endswith("dataset")}
    if "batch_size" in named and named["batch_size"].annotation not in (int, "int"):
        shown.add(Capability.UNBATCHED)
    return frozenset(shown)
