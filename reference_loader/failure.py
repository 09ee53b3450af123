"""An error on its way to another process: what of it can be sent, and what is raised there.

An exception may not pickle, or pickle and then not unpickle; its traceback never does. So the text
of all of it goes along, and each of the rest arrives if it can.
"""

import pickle
import traceback
from contextlib import suppress
from typing import Any, NamedTuple


class Failure(NamedTuple):
    """An error, taken apart; the pickles are empty where there could be none."""

    text: str
    error: bytes
    kind: bytes
    state: bytes


def taken_apart(error: BaseException, where: str) -> Failure:
    """Return what can be sent of `error`; `where` says in words where it was raised."""
    trace = "".join(traceback.format_exception(error))
    text = f"{_message(error)}\n\n{type(error).__name__} in {where}:\n\n{trace}"
    state = _pickled((error.args, vars(error)))
    return Failure(text, _pickled(error), _pickled(type(error)), state)


def put_together(failure: Failure) -> BaseException:
    """Return an error of the original's type, whose message is all that is known of the original.

    That is the original message, where it was raised, and the traceback there. `__cause__` is the
    original itself, with its attributes. Where the type does not take such a message the original
    is returned, with the text as a note; where the type does not arrive, a RuntimeError.
    """
    original = _original(failure)
    kind = type(original) if original is not None else _unpickled(failure.kind, type)
    error = None if kind is None else _with_message(kind, failure.text, original)
    if error is None and original is not None:
        original.add_note(failure.text)
        return original
    if error is None:
        error = RuntimeError(failure.text)
    error.__cause__ = original
    return error


def _original(failure: Failure) -> BaseException | None:
    error: BaseException | None = _unpickled(failure.error, BaseException)
    if error is not None:
        return error
    kind, state = _unpickled(failure.kind, type), _unpickled(failure.state, tuple)
    return None if kind is None or state is None else _built(kind, *state)


def _built(kind: Any, args: tuple[Any, ...], attributes: dict[str, Any]) -> BaseException | None:
    # The constructor is passed by: it may take something else, and do anything with it.
    with suppress(Exception):
        error = kind.__new__(kind, *args)
        vars(error).update(attributes)
        return error if isinstance(error, BaseException) else None
    return None


def _with_message(kind: Any, text: str, original: BaseException | None) -> BaseException | None:
    message = _Text(text) if issubclass(kind, KeyError) else text
    error = _built(kind, (message,), {} if original is None else vars(original))
    with suppress(Exception):
        return error if text in str(error) else None
    return None


class _Text(str):
    """The message of a KeyError, which shows not it but its `repr`, on one line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def _pickled(value: Any) -> bytes:
    with suppress(Exception):
        return pickle.dumps(value)
    return b""


def _unpickled(data: bytes, kind: type) -> Any:
    with suppress(Exception):
        value = pickle.loads(data)
        return value if isinstance(value, kind) else None
    return None
