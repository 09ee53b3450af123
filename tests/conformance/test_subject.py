"""Who is asked: only for what it claims, and held to account for what comes out of it."""

import gc
import os
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance import subject as module
from conformance.adapter import Adapter, adapter_for
from conformance.capability import Unsupported
from conformance.datasets import Identity, epoch
from conformance.subject import Endless, Subject
from tests import miniatures


def subject_of(construct: Callable[..., Any], **more: Any) -> Subject:
    return Subject(adapter_for("one", construct, **more))


def test_a_loader_is_opened_and_used_as_itself() -> None:
    subject = subject_of(miniatures.Plain)
    with subject.open(Identity(3), batch_size=2) as loader:
        assert (len(loader), loader.batch_size, epoch(loader)) == (2, 2, [[0, 1], [2]])
    assert subject.faults == []
    assert [str(r) for r in subject.requests] == ["Loader(Identity(size=3), batch_size=2)"]


def test_what_is_not_claimed_is_not_asked() -> None:
    subject = subject_of(miniatures.Lengthless)
    with (
        pytest.raises(Unsupported) as caught,
        subject.open(Identity(3), shuffle=True, drop_last=True),
    ):
        raise AssertionError("it was asked")
    assert str(caught.value) == "needs drop_last, shuffle"
    assert (subject.requests, subject.faults) == ([], [])


def test_a_loader_without_a_length_is_not_asked_for_it() -> None:
    subject = subject_of(miniatures.Lengthless)
    with subject.open(Identity(3)) as loader, pytest.raises(Unsupported) as caught:
        len(loader)
    assert str(caught.value) == "has no length"
    assert subject.faults == []


def raises(error: BaseException) -> Callable[..., Any]:
    """Return a constructor of loaders that raise at the first batch."""

    def construct(dataset: Any) -> Iterator[Any]:
        raise error
        yield

    return construct


@pytest.mark.parametrize(
    "error", [ValueError("no"), AssertionError(), SystemExit(0), BaseException(), GeneratorExit()]
)
def test_what_comes_out_of_an_epoch_is_put_down_to_the_loader(error: BaseException) -> None:
    subject = subject_of(raises(error))
    with pytest.raises(type(error)) as caught, subject.open(Identity(3)) as loader:
        epoch(loader)
    assert caught.value is error
    assert subject.faults[0] is error


def test_what_comes_out_of_a_constructor_is_put_down_to_the_loader() -> None:
    subject = subject_of(miniatures.Refusing)
    with pytest.raises(ValueError, match="no") as caught, subject.open(Identity(3)):
        raise AssertionError("it was opened")
    assert subject.faults == [caught.value]


def test_what_a_check_raises_is_not() -> None:
    subject = subject_of(miniatures.Plain)
    with pytest.raises(KeyError), subject.open(Identity(3)):
        raise KeyError
    assert subject.faults == []


def test_a_missing_attribute_is_put_down_to_the_loader() -> None:
    subject = subject_of(miniatures.Plain)
    with subject.open(Identity(3)) as loader, pytest.raises(AttributeError) as caught:
        _ = loader.state_dict
    assert subject.faults == [caught.value]


def test_the_end_of_an_epoch_is_no_fault() -> None:
    subject = subject_of(miniatures.Plain)
    with subject.open(Identity(1)) as loader:
        iterator = iter(loader)
        assert next(iterator) == [0]
        with pytest.raises(StopIteration):
            next(iterator)
    assert subject.faults == []


def test_a_loader_that_is_false_is_false() -> None:
    with subject_of(miniatures.Empty).open(Identity(3)) as loader:
        assert not loader


def test_an_epoch_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENOUGH_BATCHES", 5)
    subject = subject_of(miniatures.Endless)
    with subject.open(Identity(3)) as loader, pytest.raises(Endless) as caught:
        epoch(loader)
    assert str(caught.value) == "the epoch had not ended after 5 batches"
    assert subject.faults == [caught.value]


def test_an_epoch_may_be_as_long_as_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENOUGH_BATCHES", 5)
    with subject_of(miniatures.Plain).open(Identity(4)) as loader:
        assert len(epoch(loader)) == 4


def test_a_door_is_closed_whatever_happens() -> None:
    class Door(Adapter):
        def open(self, request: Any) -> Any:
            return self

        def __enter__(self) -> list[Any]:
            return []

        def __exit__(self, *error: object) -> None:
            raise OSError("it does not close")

    subject = Subject(Door("one", list, frozenset(adapter_for("", miniatures.Empty).capabilities)))
    with pytest.raises(OSError, match="it does not close") as caught, subject.open(Identity(3)):
        raise KeyError
    assert subject.faults == [caught.value]


def test_choices_are_noted_once() -> None:
    subject = subject_of(miniatures.Plain)
    for choice in ("ignores it", "delivers lists", "ignores it"):
        subject.observe(choice)
    assert subject.observations == ["ignores it", "delivers lists"]


def test_the_latest_requests_are_kept() -> None:
    subject = subject_of(miniatures.Plain)
    for size in range(15):
        with subject.open(Identity(size)):
            pass
    assert [request.dataset.size for request in subject.requests] == list(range(5, 15))


def test_what_a_library_offers_can_be_asked_for() -> None:
    subject = subject_of(miniatures.Plain, offers={"largest": max})
    assert subject.offer("largest") is max
    with pytest.raises(Unsupported) as caught:
        subject.offer("smallest")
    assert str(caught.value) == "offers no smallest"


def test_the_signature_is_the_constructor_s() -> None:
    assert "drop_last" in subject_of(miniatures.Plain).signature().parameters


def first_batch(subject: Subject, size: int) -> tuple[Any, int, int]:
    with subject.open(Identity(size)) as loader:
        return next(iter(loader)), subject.seed, os.getpid()


def test_a_loader_can_be_asked_in_a_fresh_process() -> None:
    subject = Subject(adapter_for("one", miniatures.Plain), seed=7)
    batch, seed, pid = subject.elsewhere(first_batch, 3)
    assert (batch, seed) == ([0], 7)
    assert pid != os.getpid()


def test_what_a_fresh_process_raises_is_put_down_to_the_loader() -> None:
    subject = subject_of(miniatures.Refusing)
    with pytest.raises(ValueError, match=r"^no$") as caught:
        subject.elsewhere(first_batch, 3)
    assert subject.faults == [caught.value]


def test_a_loader_can_be_asked_in_a_process_that_may_die() -> None:
    subject = Subject(adapter_for("one", miniatures.Plain), seed=7)
    with subject.start(first_batch, 3) as process:
        batch, seed, pid = process.answer()
    assert (batch, seed) == ([0], 7)
    assert pid != os.getpid()


def test_what_such_a_process_raises_is_put_down_to_the_loader() -> None:
    subject = subject_of(miniatures.Refusing)
    with subject.start(first_batch, 3) as process, pytest.raises(ValueError, match="no") as caught:
        process.answer()
    assert subject.faults == [caught.value]


def test_the_end_of_an_epoch_is_no_fault_and_keeps_nothing() -> None:
    subject = subject_of(miniatures.Plain)
    with subject.open(Identity(1)) as loader:
        iterator = iter(loader)
        next(iterator)
        gc.collect()
        gc.disable()
        try:
            next(iterator, None)
            gone = weakref.ref(iterator)
            del iterator
            assert gone() is None
        finally:
            gc.enable()
    assert subject.faults == []


def test_a_subject_travels_without_its_history() -> None:
    subject = Subject(adapter_for("one", miniatures.Plain), seed=3)
    subject.observe("something")
    copy = pickle.loads(pickle.dumps(subject))
    assert (copy.adapter.name, copy.seed, copy.observations) == ("one", 3, [])
