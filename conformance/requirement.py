"""A requirement: a sentence, its source, the check that judges it and the mutants it must catch."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hypothesis.strategies import SearchStrategy

from conformance.request import LoaderRequest

Check = Callable[..., None]
Honest = Callable[[LoaderRequest], Any]
BatchMutant = Callable[[LoaderRequest, Iterable[Any]], Iterable[Any]]
LoaderMutant = Callable[[LoaderRequest, Honest], Iterable[Any]]
SignatureMutant = Callable[[inspect.Signature], inspect.Signature]


class Level(StrEnum):
    """How binding a requirement is, in the words of RFC 2119."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"

    @property
    def binding(self) -> bool:
        """Whether a loader that does not meet it does not conform."""
        return self in (Level.MUST, Level.MUST_NOT)


class Basis(StrEnum):
    """Where a requirement comes from: a claim of the documents, or what users rely on."""

    DOCUMENTS = "documents"
    PRACTICE = "practice"


@dataclass(frozen=True)
class Mutant:
    """A way of being wrong: makes a broken loader, or a broken signature, out of an honest one."""

    name: str
    build: LoaderMutant | None = None
    sign: SignatureMutant | None = None


@dataclass(frozen=True)
class Requirement:
    """One law of the specification. `name` is its id: stable, and unique in a catalogue.

    One that is to be judged `alone` takes times, which whatever else is running would change.
    """

    name: str
    chapter: str
    level: Level
    sentence: str
    reason: str
    claims: tuple[str, ...]
    evidence: tuple[str, ...]
    check: Check
    given: Mapping[str, SearchStrategy[Any]]
    alone: bool = False
    mutants: list[Mutant] = field(default_factory=list)

    @property
    def basis(self) -> Basis:
        """Documents where a claim is held, practice otherwise."""
        return Basis.DOCUMENTS if self.claims else Basis.PRACTICE

    def source_text(self) -> str:
        """Return the source of the check."""
        return inspect.getsource(self.check)

    def mutant(self, function: BatchMutant) -> BatchMutant:
        """Register a mutant that alters what an honest loader delivers in an epoch.

        `function(request, batches)` returns or yields the batches of one epoch.
        """
        self.mutants.append(Mutant(function.__name__, AlterEpochs(function)))
        return function

    def mutant_loader(self, function: LoaderMutant) -> LoaderMutant:
        """Register a mutant that is a loader of its own.

        `function(request, honest)` returns a loader; `honest` makes a good one of any request.
        """
        self.mutants.append(Mutant(function.__name__, function))
        return function

    def mutant_signature(self, function: SignatureMutant) -> SignatureMutant:
        """Register a mutant whose constructor has another signature: `function(signature)`."""
        self.mutants.append(Mutant(function.__name__, sign=function))
        return function


@dataclass(frozen=True)
class AlterEpochs:
    """Builds a loader whose epochs are an honest one's, altered. A value, as it may be pickled."""

    alter: BatchMutant

    def __call__(self, request: LoaderRequest, honest: Honest) -> Iterable[Any]:
        """Build the loader."""
        return Altered(request, honest(request), self.alter)


@dataclass(frozen=True)
class Altered:
    """An honest loader with every epoch passed through a mutant."""

    request: LoaderRequest
    loader: Any
    alter: BatchMutant

    def __iter__(self) -> Iterator[Any]:
        return iter(self.alter(self.request, self.loader))

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "loader"), name)


def given(**strategies: SearchStrategy[Any]) -> Callable[[Check], Check]:
    """Make a property of a check: it is to hold for all values that these strategies make.

    Unlike Hypothesis' own decorator this leaves the check a plain function; the judge hands both to
    Hypothesis, with its settings and seed.
    """

    def decorate(check: Check) -> Check:
        check.__dict__["given"] = strategies
        return check

    return decorate


def requirement(
    *, claims: Iterable[str] = (), evidence: Iterable[str] = (), alone: bool = False
) -> Callable[[Check], Requirement]:
    """Make a requirement of a check whose docstring is the law and its reason.

    The check takes a subject, and by keyword whatever `given` says.

    Raises:
        TypeError: claims or evidence are a text, whose letters would be taken for them.
        ValueError: the docstring is not a sentence with exactly one of MUST, MUST NOT, SHOULD,
            SHOULD NOT and MAY followed by a reason, or neither claims nor evidence are named.

    """

    def decorate(check: Check) -> Requirement:
        name = check.__name__
        sentence, _, reason = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
        levels = re.findall(r"\b(?:MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\b", sentence)
        if len(levels) != 1 or not reason:
            raise ValueError(
                f"the docstring of {name} must open with a sentence that has exactly one of MUST, "
                f"MUST NOT, SHOULD, SHOULD NOT, MAY (found {levels or 'none'}), then a blank line "
                "and the reason"
            )
        for kind, source in (("claims", claims), ("evidence", evidence)):
            if isinstance(source, str):
                raise TypeError(f"the {kind} of {name} must be a list, got {source!r}")
        if not (tuple(claims) or tuple(evidence)):
            raise ValueError(f"{name} must name the claims it holds or the evidence it rests on")
        return Requirement(
            name=name,
            chapter=check.__module__.rpartition(".")[2],
            level=Level(levels[0]),
            sentence=" ".join(sentence.split()),
            reason=" ".join(reason.split()),
            claims=tuple(claims),
            evidence=tuple(evidence),
            check=check,
            given=check.__dict__.get("given", {}),
            alone=alone,
        )

    return decorate
