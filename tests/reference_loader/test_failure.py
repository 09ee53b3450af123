"""An error arrives with its type, its words and its traceback, or with what is left of them."""

import pickle
import threading
from typing import Any

import pytest

from reference_loader.failure import put_together, taken_apart


class TwoArgumentsError(Exception):
    """Its constructor takes what its pickle does not have."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code


class KeywordError(Exception):
    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")


class AttributeCarryingError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = 7


class UnpicklableError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


class OwnWordsError(Exception):
    def __str__(self) -> str:
        return "only this"


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class MissingKeyError(KeyError):
    pass


def raising(error: BaseException) -> None:
    raise error


def sent(error: BaseException) -> BaseException:
    try:
        raising(error)
    except BaseException as caught:
        return put_together(pickle.loads(pickle.dumps(taken_apart(caught, "worker 3 (pid 77)"))))
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad value"), "bad value"),
        (KeyError("missing"), "'missing'"),
        (MissingKeyError("missing"), "'missing'"),
        (FileNotFoundError(2, "No such file", "x.bin"), "[Errno 2] No such file: 'x.bin'"),
        (TwoArgumentsError(404, "gone"), "404: gone"),
        (KeywordError(code=5), "code 5"),
        (AttributeCarryingError("words"), "words"),
        (UnpicklableError("with a lock"), "with a lock"),
        (AssertionError(), "AssertionError"),
        (SystemExit(3), "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_message_begins_with_the_original_and_tells_where_and_how_it_came(
    error: BaseException, text: str
) -> None:
    arrived = sent(error)
    message = str(arrived)
    assert message.startswith(text)
    assert f"{type(error).__name__} in worker 3 (pid 77):\n\nTraceback (most recent" in message
    assert "in raising\n    raise error\n" in message


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        MissingKeyError("x"),
        FileNotFoundError(2, "x"),
        TwoArgumentsError(404, "gone"),
        KeywordError(code=5),
        UnpicklableError("x"),
        SystemExit(3),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad byte"),
        SyntaxError("wrong", ("file.py", 3, 1, "x =")),
        OwnWordsError(),
        MuteError(),
        ExceptionGroup("several", [ValueError("x")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_type_arrives_whatever_its_constructor_takes(error: BaseException) -> None:
    assert type(sent(error)) is type(error)


def test_the_original_is_the_cause_with_all_it_knows() -> None:
    cause = sent(FileNotFoundError(2, "No such file", "x.bin")).__cause__
    assert isinstance(cause, FileNotFoundError)
    assert (cause.errno, cause.filename, str(cause)) == (
        2,
        "x.bin",
        "[Errno 2] No such file: 'x.bin'",
    )


def test_attributes_are_kept() -> None:
    arrived: Any = sent(AttributeCarryingError("x"))
    assert arrived.code == 7
    assert arrived.__cause__.code == 7


@pytest.mark.parametrize("error", [OwnWordsError(), MuteError()], ids=repr)
def test_a_type_that_shows_no_message_arrives_with_a_note(error: BaseException) -> None:
    assert "in worker 3 (pid 77):\n\nTraceback" in sent(error).__notes__[0]


def test_a_type_that_takes_no_message_arrives_unchanged() -> None:
    arrived = sent(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad byte"))
    assert isinstance(arrived, UnicodeDecodeError)
    assert arrived.reason == "bad byte"


def test_a_type_that_cannot_arrive_becomes_a_runtime_error() -> None:
    class LocalError(Exception):
        pass

    arrived = sent(LocalError("here only"))
    assert type(arrived) is RuntimeError
    assert str(arrived).startswith("here only\n\nLocalError in worker 3 (pid 77):")
    assert arrived.__cause__ is None


def test_the_text_tells_of_causes() -> None:
    error = ValueError("outer")
    error.__cause__ = OSError("inner")
    assert "OSError: inner" in str(sent(error))


def test_a_key_error_is_readable() -> None:
    assert "\\n" not in str(sent(KeyError("missing")))


def test_an_error_that_arrived_can_be_sent_again() -> None:
    assert type(sent(sent(KeyError("missing")))) is KeyError
