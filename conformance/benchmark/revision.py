"""Two states of one package side by side: that of a revision, and that of the working tree.

Each is written out under a name of its own, and its imports of itself with it. So both can be
imported into one process, each with its own module objects, and a worker that is started anew finds
what it is sent. Both are treated alike, that neither gains by it.
"""

import functools
import importlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.adapter import Adapter
from conformance.errors import UsageError
from conformance.isolate import Call, isolated
from conformance.loaders import named
from conformance.run import IMPORT_DEADLINE

TREE = "tree"  # the folder of the base's whole tree


@dataclass(frozen=True)
class Side:
    """A state of the package that defines a loader.

    Attributes:
        loader: the loader's name.
        package: the name that the package has in its repository.
        alias: the name that this state of it is imported by.
        folder: where the alias is.
        version: the commit, or "working tree".

    """

    loader: str
    package: str
    alias: str
    folder: str
    version: str

    def adapter(self) -> Adapter:
        """Import this state, and return the loader's adapter with it in the place of the other."""
        if self.folder not in sys.path:
            sys.path.insert(0, self.folder)
        adapter = named(self.loader)
        offers = {name: self._own(offered) for name, offered in adapter.offers.items()}
        return replace(adapter, construct=self._own(adapter.construct), offers=offers)

    def _own(self, construct: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(construct, functools.partial):
            return functools.partial(
                self._own(construct.func), *construct.args, **construct.keywords
            )
        if construct.__module__.partition(".")[0] != self.package:
            return construct  # the harness's own, such as an accelerator that is simulated
        module = self.alias + construct.__module__.removeprefix(self.package)
        found: Any = importlib.import_module(module)
        for part in construct.__qualname__.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]


def merge_base(revision: str) -> str:
    """Return the commit where the branch that is checked out left that of `revision`.

    Raises:
        UsageError: this is no repository, or there is no such revision, or nothing in common.

    """
    root()
    if not _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"):
        raise UsageError(
            f"this repository has no revision {revision!r}; `git log --oneline --all` shows what "
            "there is (a shallow clone lacks most: git fetch --unshallow)"
        )
    if not (base := _git("merge-base", revision, "HEAD")):
        raise UsageError(
            f"what is checked out has no commit in common with {revision!r}; name another revision "
            "(or fetch more of the history: git fetch --unshallow)"
        )
    return base


def head() -> str | None:
    """Return the commit that is checked out here, None where there is none."""
    try:
        return _git("rev-parse", "HEAD") or None
    except UsageError:
        return None


def root() -> Path:
    """Return the root of the repository in the current folder; raise UsageError if it is none."""
    found = _git("rev-parse", "--show-toplevel")
    if not found:
        raise UsageError(
            f"{Path.cwd()} is in no git repository, so there is no revision to compare with; run "
            "this where the loader is developed, or leave out --against"
        )
    return Path(found)


def unpack(commit: str, folder: Path) -> Path:
    """Write the tree of a commit into a folder, and return where it is."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=root(), capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder / TREE, filter="data")
    return folder / TREE


def sides(loader: str, commit: str, tree: Path, folder: Path) -> tuple[Side, Side]:
    """Write out the loader's package as it is in `tree`, and as it is here: base and head.

    Raises:
        UsageError: the loader is not defined in a package of this repository, or not in that tree.

    """
    package, here = _located(loader)
    if not here.is_relative_to(root().resolve()):
        raise UsageError(
            f"the loader {loader!r} is defined in {here}, outside this repository; --against is "
            "for a loader that is developed here, and --baseline for any other"
        )
    there = tree / here.relative_to(root().resolve())
    if not (there / "__init__.py").is_file():
        raise UsageError(
            f"{commit[:10]} has no package {package!r}; name a revision that has, or leave out "
            "--against"
        )
    base = _side(loader, package, there, folder, "base", commit)
    return base, _side(loader, package, here, folder, "head", "working tree")


def twins(loader: str, folder: Path) -> tuple[Side, Side]:
    """Write out the loader's package as it is here twice: two sides with no difference."""
    package, here = _located(loader)
    first, second = (
        _side(loader, package, here, folder, name, "working tree") for name in ("base", "head")
    )
    return first, second


def _side(loader: str, package: str, source: Path, folder: Path, name: str, version: str) -> Side:
    alias = f"{package}_{name}"
    target = folder / alias
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in target.rglob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(re.sub(rf"\b{re.escape(package)}\b", alias, text), "utf-8")
    return Side(loader, package, alias, str(folder), version)


def _located(loader: str) -> tuple[str, Path]:
    """Return the package that defines a loader and its folder, found in another process."""
    with closing(isolated([Call(_package, (loader,))], deadline=IMPORT_DEADLINE)) as endings:
        ((_, ending),) = endings
    if not ending.returned:
        raise UsageError(f"the loader {loader!r} cannot be imported: its process {ending.death}")
    package, where = ending.value
    if not package:
        raise UsageError(where)
    return package, Path(where)


def _package(loader: str) -> tuple[str, str]:
    try:
        construct: Any = named(loader).construct
    except UsageError as error:
        return "", str(error)
    while isinstance(construct, functools.partial):
        construct = construct.func
    package = str(getattr(construct, "__module__", "")).partition(".")[0]
    module = importlib.import_module(package)
    if not hasattr(module, "__path__"):
        return "", (
            f"the loader {loader!r} is defined in the module {package!r}, which is no package; "
            "two states of a package can be compared, so put it into one"
        )
    return package, str(Path(str(module.__file__)).resolve().parent)


def _git(*arguments: str) -> str:
    try:
        ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("git is needed to find a revision, and is not installed") from error
    return ended.stdout.strip() if ended.returncode == 0 else ""
