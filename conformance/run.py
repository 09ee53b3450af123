"""A run: which loaders are judged by which requirements, each pair in isolation."""

import importlib.metadata
import platform
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from conformance.adapter import Deviation
from conformance.catalogue import Catalogue, catalogue, chapter_modules
from conformance.errors import UsageError
from conformance.isolate import OUTPUT_KEPT, Call, Ending, isolated, preload
from conformance.judge import Settings, judge, shown_text
from conformance.loaders import bundled, bundled_module, named
from conformance.outcome import Outcome, Result, Verdict
from conformance.processes import default_start_method, unhurried
from conformance.requirement import Requirement

IMPORT_DEADLINE = 120.0  # seconds; some libraries take long to import
ALONE = 6  # times as long may be taken by what is judged alone, as it measures more than once


@dataclass(frozen=True)
class LoaderInfo:
    """What a report says about a loader before it is judged."""

    name: str
    version: str
    capabilities: tuple[str, ...]
    deviations: tuple[Deviation, ...] = ()


def warm_up(specification: str, loaders: Sequence[str]) -> None:
    """Prepare the fork server: the harness, the chapters and the bundled loaders asked for.

    What a user names by `module:object` is imported in isolation only; it is found in the current
    folder, as with `python -m`.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    ours = [bundled_module(name) for name in loaders if name in bundled()]
    preload(["conformance.run", *chapter_modules(specification), *ours])


def describe(loaders: Sequence[str]) -> list[LoaderInfo]:
    """Find the loaders, without importing them here.

    Raises:
        UsageError: one cannot be found, imported or called, or ends the process when imported.

    """
    found: dict[str, LoaderInfo] = {}
    calls = [Call(_describe, (name,)) for name in dict.fromkeys(loaders)]
    with closing(isolated(calls, deadline=IMPORT_DEADLINE, jobs=2)) as endings:
        for call, ending in endings:
            (name,) = call.arguments
            if isinstance(ending.value, LoaderInfo):
                found[name] = ending.value
            elif ending.returned:
                raise UsageError(str(ending.value))
            else:
                how = ending.death or f"was not over after {IMPORT_DEADLINE:.0f} seconds"
                raise UsageError(
                    f"the loader {name!r} cannot be used: the process that imported it {how}; "
                    f"try `python -c 'import {name.partition(':')[0]}'`"
                )
    return [found[name] for name in dict.fromkeys(loaders)]


def run(
    subjects: Catalogue,
    loaders: Iterable[LoaderInfo],
    requirements: Sequence[Requirement],
    settings: Settings,
    *,
    jobs: int = 1,
    known: Mapping[tuple[str, str], str] | None = None,
) -> Generator[Result]:
    """Judge each loader by each requirement and yield the results as they come.

    Args:
        subjects: the catalogue that the requirements are from.
        loaders: who is judged.
        requirements: by what.
        settings: how hard.
        jobs: how many are judged at a time; what is to be judged alone comes afterwards.
        known: the reasons of accepted deviations by loader and requirement, besides the adapters'.

    """
    accepted = {key: Deviation(key[1], reason) for key, reason in (known or {}).items()}
    method = settings.start_method or default_start_method()
    calls: dict[bool, list[Call]] = {False: [], True: []}
    for loader in loaders:
        for deviation in loader.deviations:
            if deviation.applies(method):
                accepted.setdefault((loader.name, deviation.requirement), deviation)
        for requirement in requirements:
            calls[requirement.alone].append(
                Call(judge_named, (subjects.package, loader.name, requirement.name, settings))
            )
    deadline = unhurried(settings.deadline, settings.start_method)
    crowd = isolated(calls[False], deadline=deadline, jobs=jobs)
    single = isolated(calls[True], deadline=ALONE * deadline)
    with closing(crowd), closing(single):
        for call, ending in chain(crowd, single):
            _, loader_name, requirement_name, _ = call.arguments
            requirement = subjects.get(requirement_name)
            known_as = accepted.get((loader_name, requirement_name))
            yield Result(
                loader=loader_name,
                requirement=requirement.name,
                chapter=requirement.chapter,
                level=requirement.level,
                basis=requirement.basis,
                sentence=requirement.sentence,
                source=(*requirement.claims, *requirement.evidence),
                verdict=verdict_on(ending),
                known=known_as.reason if known_as else "",
                documented=known_as is not None and known_as.kind == "documented",
                link=known_as.link if known_as else "",
            )


def judge_named(specification: str, loader: str, requirement: str, settings: Settings) -> Verdict:
    """Judge by names: what is called in isolation."""
    return judge(catalogue(specification).get(requirement), named(loader), settings)


def verdict_on(ending: Ending) -> Verdict:
    """Return the verdict that an isolated judgement came to, or the one that its end amounts to."""
    output = shown_text(ending.output, limit=2 * OUTPUT_KEPT)
    if ending.returned:
        verdict: Verdict = ending.value
        flooded = len(output) > OUTPUT_KEPT
        return replace(verdict, output=output if verdict.outcome.broken or flooded else "")
    if ending.death:
        outcome, message = Outcome.CRASH, f"the process {ending.death}"
    else:
        outcome = Outcome.TIMEOUT
        message = "it was not over at the deadline; where it was then stands in the output"
    return Verdict(outcome, message, output=output, seconds=ending.seconds)


def header(
    subjects: Catalogue,
    loaders: Iterable[LoaderInfo],
    settings: Settings,
    *,
    shard: str | None = None,
) -> dict[str, Any]:
    """Return what a report says about how, where and of whom it was made.

    A loader of which only a part was judged names its `shards`; where there are none it is whole.
    """
    part = {"shards": [shard]} if shard else {}
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "suite": version_of("dataloader-conformance"),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "accelerator": str(torch.accelerator.current_accelerator() or "none"),
        **asdict(settings),
        "pending": subjects.pending(),
        "loaders": [
            {
                "name": loader.name,
                "version": loader.version,
                "capabilities": loader.capabilities,
                **part,
            }
            for loader in loaders
        ],
    }


def _describe(name: str) -> LoaderInfo | str:
    try:
        adapter = named(name)
    except UsageError as error:
        return str(error)
    return LoaderInfo(
        name=name,
        version=version_of(adapter.distribution) if adapter.distribution else "",
        capabilities=tuple(sorted(adapter.capabilities)),
        deviations=adapter.deviations,
    )


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, "unknown" if there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
