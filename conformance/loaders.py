"""Finds a loader by the name given to `--loader`."""

import importlib
import importlib.metadata
import pkgutil
from dataclasses import replace
from typing import Any

from packaging.requirements import Requirement

from conformance import adapters
from conformance.adapter import Adapter, adapter_for
from conformance.catalogue import nearest
from conformance.errors import UsageError

ENTRY_POINTS = "conformance.adapters"
DISTRIBUTION = "dataloader-conformance"


def named(name: str) -> Adapter:
    """Return the adapter that `name` stands for.

    A bundled adapter, an entry point of another package in the group `conformance.adapters`, or
    `module:object`, where the object is an adapter or a callable like the DataLoader.

    Raises:
        UsageError: there is nothing of that name, or it cannot be imported or called.

    """
    try:
        found = _find(name)
        found = found() if getattr(found, "__name__", "") == "adapter" else found
        adapter = found if isinstance(found, Adapter) else adapter_for(name, found)
    except ModuleNotFoundError as error:
        raise UsageError(_missing(name, error)) from error
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"the loader {name!r} cannot be used: {type(error).__name__}: {error}"
        ) from error
    return replace(adapter, name=name)


def bundled() -> list[str]:
    """Return the names of the adapters that come with the harness."""
    modules = [module.name for module in pkgutil.iter_modules(adapters.__path__)]
    return [module.replace("_", "-") for module in modules if not module.startswith("_")]


def bundled_module(name: str) -> str:
    """Return the module of a bundled adapter."""
    return f"{adapters.__name__}.{name.replace('-', '_')}"


def available() -> list[str]:
    """Return every name that `--loader` takes besides `module:object`."""
    return [*bundled(), *sorted(entry.name for entry in _entry_points())]


def _find(name: str) -> Any:
    if ":" in name:
        return _object(*name.split(":", 1))
    if name in bundled():
        _refuse_other_versions(name)
        return importlib.import_module(bundled_module(name)).adapter
    for entry in _entry_points():
        if entry.name == name:
            return entry.load()
    raise UsageError(
        f"no loader is called {name!r}; {nearest(name, available())} (your own goes by "
        "module:callable, as in --loader my_package.loading:MyLoader)"
    )


def _object(module: str, path: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        if not hasattr(found, part):
            known = [name for name in vars(found) if not name.startswith("_")]
            raise UsageError(f"{module} has no {path!r}; {nearest(part, known)}")
        found = getattr(found, part)
    return found


def _entry_points() -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=ENTRY_POINTS)


def _refuse_other_versions(name: str) -> None:
    """Refuse a library that is too old or too new for an adapter, as the extra of its name says."""
    try:
        declared = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for wanted in map(Requirement, declared):
        if wanted.marker is None or not wanted.marker.evaluate({"extra": name}):
            continue
        try:
            installed = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # the import tells
        if not wanted.specifier.contains(installed, prereleases=True):
            raise UsageError(
                f"the loader {name!r} needs {wanted.name}{wanted.specifier}, "
                f"but {installed} is installed; pip install '{DISTRIBUTION}[{name}]'"
            )


def _missing(name: str, error: ModuleNotFoundError) -> str:
    if name in bundled():
        return (
            f"the loader {name!r} needs {error.name}, which is not installed; "
            f"pip install '{DISTRIBUTION}[{name}]'"
        )
    return (
        f"the loader {name!r} cannot be imported: no module {error.name!r} in "
        "the current folder or the environment; check the spelling, or install its package here"
    )
