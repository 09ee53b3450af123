"""What an error says: its type, message and origin arrive from a worker as they were.

Each is raised by a sample, with workers and without.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from conformance import (
    Honest,
    LoaderRequest,
    Subject,
    kind_of,
    plain,
    requirement,
)

MESSAGE_LOST = "https://github.com/pytorch/pytorch/issues/34130"
TWO_ARGUMENTS = "https://github.com/pytorch/pytorch/issues/44631"
NO_MESSAGE = "https://github.com/pytorch/pytorch/issues/25522"
OTHER_TYPE = "https://github.com/pytorch/pytorch/issues/140911"


class Broken(Exception):  # noqa: N818 - as users name theirs
    """An error of the dataset's own."""


class TwoArguments(Exception):  # noqa: N818
    """An error that is made of two things."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(path, line)


class WithMessage(Exception):  # noqa: N818
    """An error that has an attribute of that name, and a constructor of its own."""

    message = "none"

    def __init__(self, message: str = "none", *, code: int = 0) -> None:
        super().__init__(message, code)


class Unpicklable(Exception):  # noqa: N818
    """An error that holds what cannot be sent to another process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.reason = lambda: text


@dataclass
class Failing(Dataset[int]):
    """Two samples, the second of which raises an error of that kind."""

    lazy = True

    kind: str

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        if index:
            raise the_error(self.kind)
        return index


def the_error(kind: str) -> Exception:
    if kind == "TwoArguments":
        return TwoArguments("needle.jpg", 7)
    kinds: list[Callable[[str], Exception]] = [ValueError, KeyError, IndexError, OSError, Broken]
    kinds += [WithMessage, Unpicklable, AssertionError, NotImplementedError]
    return next(each for each in kinds if each.__name__ == kind)("needle.jpg")


def raised(subject: Subject, kind: str, workers: int) -> tuple[list[Any], str, str]:
    """Return the batches before an error, the name of its type, and all that can be read of it."""
    delivered: list[Any] = []
    with subject.open(Failing(kind), num_workers=workers) as loader:
        try:
            for batch in loader:
                delivered.append(plain(batch))
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            return delivered, kind_of(error), text
    return delivered, "", ""


@requirement(evidence=[MESSAGE_LOST, OTHER_TYPE])
def an_error_keeps_its_type_and_message(subject: Subject) -> None:
    """An error in a sample MUST reach the user with its type, its message and where it was raised.

    Programs catch errors by type, people read them; "a worker failed" helps neither.
    """
    answers, expected = [], []
    for kind in ("ValueError", "KeyError", "IndexError", "OSError", "Broken", "AssertionError"):
        for workers in (0, 1):
            delivered, name, text = raised(subject, kind, workers)
            # The line that raised is in the text only if the traceback came along.
            answers.append((delivered, name, "needle.jpg" in text, "raise the_error" in text))
            expected.append(([[0]], kind, True, True))
    assert answers == expected


class Translating:
    """A loader whose workers' errors are altered on their way; part of mutants."""

    def __init__(self, loader: Any, alter: Callable[[Exception], Exception]) -> None:
        self.loader = loader
        self.alter = alter

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except Exception as error:
            altered = self.alter(error)
        else:
            return
        raise altered


def with_workers(
    request: LoaderRequest, honest: Honest, alter: Callable[[Exception], Exception]
) -> Any:
    return Translating(honest(request), alter) if request.num_workers else honest(request)


@an_error_keeps_its_type_and_message.mutant_loader
def raises_everything_as_runtime_error(request: LoaderRequest, honest: Honest) -> Any:
    return with_workers(
        request,
        honest,
        lambda error: RuntimeError("".join(traceback.format_exception(error))),
    )


@an_error_keeps_its_type_and_message.mutant_loader
def sends_the_error_without_its_traceback(request: LoaderRequest, honest: Honest) -> Any:
    return with_workers(request, honest, lambda error: type(error)("needle.jpg"))


@an_error_keeps_its_type_and_message.mutant_loader
def sends_the_type_alone(request: LoaderRequest, honest: Honest) -> Any:
    return with_workers(request, honest, lambda error: type(error)("in a worker: raise the_error"))


@requirement(evidence=[TWO_ARGUMENTS, NO_MESSAGE, OTHER_TYPE])
def an_error_arrives_whatever_it_is_made_of(subject: Subject) -> None:
    """An error that cannot be rebuilt elsewhere MUST arrive as a RuntimeError or one of its type.

    Libraries' errors take two arguments, keep files and locks, or shadow `message`. An error about
    the error, or none at all and no batch either, is what users get to see then.
    """
    answers, expected = [], []
    for kind in ("TwoArguments", "WithMessage", "Unpicklable"):
        for workers in (0, 1):
            delivered, name, text = raised(subject, kind, workers)
            answers.append((delivered, name in (kind, "RuntimeError"), "needle.jpg" in text))
            expected.append(([[0]], True, True))
            if workers:
                subject.observe(f"{kind} from a worker arrives as {name}")
    assert answers == expected


@an_error_arrives_whatever_it_is_made_of.mutant_loader
def rebuilds_it_from_its_text(request: LoaderRequest, honest: Honest) -> Any:
    missing = TypeError("__init__() missing 1 required positional argument: 'line'")
    takes_two = request.dataset.kind == "TwoArguments"
    return with_workers(request, honest, lambda error: missing if takes_two else error)


@an_error_arrives_whatever_it_is_made_of.mutant
def swallows_what_cannot_be_pickled(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    try:
        yield from batches
    except Unpicklable:
        return
