"""Judges one requirement on one loader, in this process."""

import ast
import functools
import inspect
import linecache
import multiprocessing
import random
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import hypothesis
import numpy as np
import torch

from conformance.adapter import Adapter
from conformance.capability import PassedOver, Unsupported
from conformance.mutation import Mutated
from conformance.outcome import Outcome, Verdict, printable
from conformance.requirement import Requirement
from conformance.script import script
from conformance.subject import Subject

ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


@dataclass(frozen=True)
class Settings:
    """How hard to try.

    Attributes:
        seed: where all random choices start; the same seed gives the same report.
        examples: how many examples a property is tried on.
        deadline: seconds that judging one requirement may take.
        start_method: how workers are started where a requirement does not say; None leaves it to
            Python, which has another default on every platform.

    """

    seed: int = 0
    examples: int = 50
    deadline: float = 30.0
    start_method: str | None = None


def judge(
    requirement: Requirement, adapter: Adapter, settings: Settings, *, shrink: bool = True
) -> Verdict:
    """Return what comes of checking `requirement` on the adapter's loader.

    A property's failure is made small before it is shown, which takes most of the time; `shrink` is
    for those who need the outcome alone.

    Exceptions do not leave this function, whatever the loader raises. A hang or a crash does what
    hangs and crashes do; `isolate` makes verdicts of those.
    """
    started = time.monotonic()
    if settings.start_method:
        multiprocessing.set_start_method(settings.start_method, force=True)
    subject = Subject(adapter, settings.seed)
    attempts = Attempts(requirement, subject, settings, shrink=shrink)
    try:
        attempts.run()
    except BaseException as raised:
        if isinstance(raised, Unsupported) and attempts.error is None:
            verdict = Verdict(Outcome.UNSUPPORTED, str(raised))
        else:
            # While a failure is shrunk an example may need what the loader does not claim.
            verdict = explain(attempts, attempts.error or raised)
        if isinstance(raised, hypothesis.errors.Flaky):
            again = "; asked the same again, the loader answered differently"
            verdict = replace(verdict, message=verdict.message + again)
    else:
        verdict = Verdict(Outcome.PASSED)
    return replace(
        verdict,
        observations=tuple(subject.observations),
        seconds=time.monotonic() - started,
    )


class Attempts:
    """Runs a check, on many examples if it is a property, and remembers the latest failure."""

    def __init__(
        self, requirement: Requirement, subject: Subject, settings: Settings, *, shrink: bool
    ) -> None:
        self.requirement = requirement
        self.subject = subject
        self.settings = settings
        self.phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])]
        self.arguments: dict[str, Any] = {}
        self.error: BaseException | None = None
        # A failure found late is worth more than one shrunk to the last: leave time to report it.
        self.shrink_until = time.monotonic() + settings.deadline / 2

    def run(self) -> None:
        """Check the subject; whatever the check raises is raised."""
        if not self.requirement.given:
            self._attempt()
            return
        configure = hypothesis.settings(
            max_examples=self.settings.examples,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            phases=self.phases,
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        explore = hypothesis.given(**self.requirement.given)(self._attempt)
        configure(hypothesis.seed(self.settings.seed)(explore))()

    def _attempt(self, **arguments: Any) -> None:
        late = self.error is not None and time.monotonic() > self.shrink_until
        if late and arguments != self.arguments:
            return
        seed_everything(self.settings.seed)
        try:
            self.requirement.check(self.subject, **arguments)
        except Unsupported as lack:
            if self.requirement.given and isinstance(lack, PassedOver):
                hypothesis.reject()
            raise
        except BaseException as error:
            self.arguments, self.error = arguments, error
            raise


def seed_everything(seed: int) -> None:
    """Put the global random generators into a known state."""
    random.seed(seed)
    np.random.seed(seed)
    if torch.accelerator.current_accelerator() is None:
        # Seeding devices that this build of torch knows nothing of takes longer than a short epoch.
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def explain(attempts: Attempts, error: BaseException) -> Verdict:
    """Return the verdict on a check that raised, with what there is to show for it."""
    subject = attempts.subject
    example = {name: shown(value) for name, value in attempts.arguments.items()}
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    home = inspect.getsourcefile(attempts.requirement.check)
    ours = [frame for frame in frames if frame.f_code.co_filename == home]
    came: dict[str, str] = {}
    name = f"{type(error).__name__}: {spelled(str, error)}".strip(": ")
    if any(error is fault for fault in subject.faults):
        outcome, message = Outcome.FAILED, f"the loader raised {name}"
    elif isinstance(error, AssertionError) and ours:
        outcome = Outcome.FAILED
        assertion = failed_assertion(ours[-1], error)
        message = str(error) or (f"it is not so that {ast.unparse(assertion)}" if assertion else "")
        came = observed(assertion, ours[-1]) if assertion else {}
    else:
        outcome, message = Outcome.ERROR, f"the check could not go on: {name}"
    return Verdict(
        outcome,
        shown_text(message),
        asked=shown_text(spelled(str, subject.requests[-1])) if subject.requests else "",
        example=example,
        came=came,
        script=script_of(attempts),
        traceback=shown_text("".join(traceback.format_exception(error)[-6:]), 4000),
    )


def script_of(attempts: Attempts) -> str:
    """Return a program that shows the failure, or a comment on why there is none."""
    adapter, settings = attempts.subject.adapter, attempts.settings
    if isinstance(adapter.construct, Mutated):
        return ""
    example = {name: spelled(repr, value) for name, value in attempts.arguments.items()}
    try:
        return script(attempts.requirement, adapter, example, settings.seed, settings.start_method)
    except Exception as error:
        # Such as a loader that has no name: what it does wrong is wrong all the same.
        reason = shown_text(f"{type(error).__name__}: {error}")
        return f"# This failure cannot be written as a script: {' '.join(reason.split())}\n"


def failed_assertion(frame: FrameType, error: BaseException) -> ast.expr | None:
    """Return the expression of the assert statement that `frame` was at when `error` left it."""
    line = next(number for at, number in traceback.walk_tb(error.__traceback__) if at is frame)
    assertions = _assertions(frame.f_code.co_filename)
    return next(
        (each.test for each in assertions if each.lineno <= line <= (each.end_lineno or 0)), None
    )


@functools.cache
def _assertions(path: str) -> list[ast.Assert]:
    tree = ast.parse("".join(linecache.getlines(path)))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def observed(assertion: ast.expr, frame: FrameType) -> dict[str, str]:
    """Return the names in an assertion and both sides of a comparison, with their values."""
    sides = [assertion.left, *assertion.comparators] if isinstance(assertion, ast.Compare) else []
    names = [
        node
        for node in ast.walk(assertion)
        if isinstance(node, ast.Name) and node.id in frame.f_locals
    ]
    scope = {**frame.f_globals, **frame.f_locals}
    values = {}
    for node in (*sides, *names):
        if isinstance(node, ast.Constant):
            continue
        text = ast.unparse(node)
        try:
            values[text] = shown(eval(text, scope))
        except BaseException:  # it is the loader that may be asked again here
            continue
    return values


def shown(value: Any, limit: int = 600) -> str:
    """Return `repr(value)` fit for a report."""
    return shown_text(spelled(repr, value), limit)


def spelled(how: Callable[[Any], str], value: Any) -> str:
    """Return `how(value)`, where `how` is repr or str, whatever the value's own does."""
    try:
        return how(value)
    except BaseException as error:
        return f"<{type(value).__name__} whose {how.__name__} raised {type(error).__name__}>"


def shown_text(text: str, limit: int = 1500) -> str:
    """Return `text` bounded, printable, and without addresses, so that equal runs read equal."""
    text = ADDRESS.sub("0x…", printable(text))
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"
