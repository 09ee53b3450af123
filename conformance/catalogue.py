"""The requirements of a specification: every chapter of its package, in order."""

import difflib
import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from conformance.errors import UsageError
from conformance.requirement import Requirement

SPECIFICATION = "specs"
NAMES_SHOWN = 30  # in an error


@dataclass(frozen=True)
class Catalogue:
    """The requirements by name, chapter by chapter, and what became of the sources' claims."""

    package: str
    requirements: Mapping[str, Requirement]

    @property
    def chapters(self) -> list[str]:
        """The chapters' names, in order."""
        return list(dict.fromkeys(r.chapter for r in self.requirements.values()))

    def get(self, name: str) -> Requirement:
        """Return the requirement called `name`, with or without its chapter in front.

        Raises:
            UsageError: there is none; the text names the nearest.

        """
        chapter, _, bare = name.rpartition(".")
        found = self.requirements.get(bare)
        if found is None or chapter not in ("", found.chapter):
            raise UsageError(
                f"no requirement is called {name!r}; {nearest(bare, self.requirements)}"
            )
        return found

    def select(
        self,
        chapters: Iterable[str] = (),
        words: Iterable[str] = (),
        basis: str | None = None,
    ) -> list[Requirement]:
        """Return the requirements of these chapters, whose name holds one of these words.

        Raises:
            UsageError: a chapter is unknown, or nothing is left.

        """
        chapters, words = list(chapters), list(words)
        for chapter in chapters:
            if chapter not in self.chapters:
                raise UsageError(
                    f"no chapter is called {chapter!r}; {nearest(chapter, self.chapters)}"
                )
        selected = [
            requirement
            for requirement in self.requirements.values()
            if (not chapters or requirement.chapter in chapters)
            and (not words or any(word in requirement.name for word in words))
            and basis in (None, requirement.basis)
        ]
        if not selected:
            raise UsageError(
                "no requirement is left by this selection; `conformance list` shows all"
            )
        return selected

    def claims(self) -> dict[str, dict[str, object]]:
        """Return the disposition of every claim of the source documents (`claims.toml`)."""
        source = resources.files(self.package).joinpath("claims.toml")
        return tomllib.loads(source.read_text("utf-8")) if source.is_file() else {}

    def harms(self) -> dict[str, str]:
        """Return by requirement what is at stake where it is broken, the most dangerous first.

        The package may say so by `HARMS`, for chapters and for single requirements, which count
        before their chapter. What it does not name is not in the answer.
        """
        said = getattr(importlib.import_module(self.package), "HARMS", {})
        of = {name: harm for harm, names in said.items() for name in names}
        found = {
            requirement.name: of.get(requirement.name) or of.get(requirement.chapter)
            for requirement in self.requirements.values()
        }
        return {name: harm for harm in said for name, its in found.items() if its == harm}

    def pending(self) -> list[str]:
        """Return the claims that no requirement holds yet and a later chapter shall."""
        return [claim for claim, row in self.claims().items() if "pending" in row]


@cache
def catalogue(package: str = SPECIFICATION) -> Catalogue:
    """Return the requirements defined in the modules of `package`.

    Raises:
        UsageError: there is no such package.
        ValueError: two requirements have the same name, or one has no mutant.

    """
    found: dict[str, Requirement] = {}
    for name in chapter_modules(package):
        module = importlib.import_module(name)
        own = (v for _, v in inspect.getmembers_static(module) if isinstance(v, Requirement))
        for requirement in sorted(own, key=_position):
            if requirement.name in found:
                raise ValueError(f"two requirements are called {requirement.name}; rename one")
            if not requirement.mutants:
                raise ValueError(
                    f"{requirement.name} has no mutant that it must catch; give it one"
                )
            found[requirement.name] = requirement
    return Catalogue(package, found)


def chapter_modules(package: str = SPECIFICATION) -> list[str]:
    """Return the names of a specification's modules without importing them, in reading order.

    The package may say by `READING_ORDER` which come first; the others follow by name.
    """
    try:
        specification = importlib.import_module(package)
    except ImportError as error:
        raise UsageError(f"the specification {package!r} cannot be imported: {error}") from error
    first = list(getattr(specification, "READING_ORDER", ()))
    modules = [m.name for m in pkgutil.iter_modules(specification.__path__) if not m.ispkg]
    return [f"{package}.{name}" for name in sorted(modules, key=lambda name: _rank(name, first))]


def nearest(name: str, known: Collection[str]) -> str:
    """Return a remedy for a misspelt name: the names like it, or the part of which it is like."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or _holding(name, known)
    if close:
        return f"did you mean {', '.join(close)}?"
    first = sorted(known)[:NAMES_SHOWN]
    more = f" and {len(known) - len(first)} more" if len(known) > len(first) else ""
    return f"there are {', '.join(first)}{more}"


def _holding(name: str, known: Collection[str]) -> list[str]:
    def shared(other: str) -> int:
        return difflib.SequenceMatcher(None, name, other).find_longest_match().size

    return sorted((k for k in known if shared(k) > len(name) / 2), key=shared, reverse=True)[:3]


def _rank(name: str, first: list[str]) -> tuple[int, str]:
    return (first.index(name) if name in first else len(first), name)


def _position(requirement: Requirement) -> int:
    return requirement.check.__code__.co_firstlineno
