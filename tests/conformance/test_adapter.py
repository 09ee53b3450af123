"""The one door to a loader, and what its signature claims."""

import functools
import inspect
from typing import Any

import pytest

from conformance.adapter import EVERY_CAPABILITY, Adapter, adapter_for
from conformance.capability import Capability
from conformance.datasets import Identity
from conformance.request import LoaderRequest
from tests.miniatures import Empty, Lengthless, Plain, Refusing, factory, keywords_only, make_plain

ALWAYS = {
    Capability.DATASET,
    Capability.ITERABLE_DATASET,
    Capability.LAZY_DATASET,
    Capability.EMPTY_DATASET,
}


@pytest.mark.parametrize(
    ("construct", "claimed"),
    [
        (Lengthless, {"batch_size"}),
        (Plain, {"batch_size", "sampler", "drop_last"}),
        (make_plain, {"batch_size", "drop_last"}),
        (functools.partial(Plain, drop_last=True), {"batch_size", "sampler", "drop_last"}),
        (factory, {"batch_size"}),
    ],
)
def test_the_capabilities_are_the_parameters(construct: Any, claimed: set[str]) -> None:
    adapter = adapter_for("one", construct)
    assert adapter.capabilities == ALWAYS | {Capability(name) for name in claimed}


def test_doing_without_batches_is_claimed_unless_the_annotation_denies_it() -> None:
    def optional(dataset: Any, batch_size: int | None = 1) -> Plain:
        return Plain(dataset, batch_size or 1)

    def bare(dataset, batch_size=1):  # type: ignore[no-untyped-def]
        return Plain(dataset, batch_size)

    for construct in (optional, bare):
        assert Capability.UNBATCHED in adapter_for("one", construct).capabilities
    assert Capability.UNBATCHED not in adapter_for("one", Plain).capabilities


def test_who_takes_any_keyword_claims_everything() -> None:
    assert adapter_for("one", Empty).capabilities == EVERY_CAPABILITY == set(Capability)


def test_the_dataset_may_have_another_name_or_be_positional_only() -> None:
    def load(data: Any, /, batch_size: int = 1) -> Plain:
        return Plain(data, batch_size)

    adapter = adapter_for("one", load)
    with adapter.open(LoaderRequest(Identity(2))) as loader:
        assert list(loader) == [[0], [1]]


def test_more_can_be_said_of_a_loader() -> None:
    adapter = adapter_for("one", Plain, distribution="torch", offers={"max": max})
    assert (adapter.distribution, adapter.offers) == ("torch", {"max": max})


def test_the_signature_is_that_of_what_users_call() -> None:
    adapter = Adapter("one", make_plain, frozenset(), called=factory)
    assert adapter.signature() == inspect.signature(factory)


def test_what_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        adapter_for("one", 3)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "a loader must be callable with a dataset, got 3; "
        "name a class or a function, as in --loader package.module:MyLoader"
    )


def test_who_takes_no_positional_argument_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        adapter_for("one", keywords_only)
    assert str(caught.value) == (
        "a loader must take the dataset as its first argument, but one takes no positional "
        "argument; wrap it in a function (dataset, **options)"
    )


def test_opening_constructs_with_what_is_asked_and_nothing_else() -> None:
    def construct(*arguments: Any, **options: Any) -> Any:
        return [arguments, options]

    adapter = Adapter("one", construct, EVERY_CAPABILITY)
    dataset = Identity(3)
    with adapter.open(LoaderRequest(dataset, batch_size=2, num_workers=0)) as loader:
        assert loader == [(dataset,), {"batch_size": 2}]


def test_an_exception_of_the_constructor_comes_out_as_it_is() -> None:
    adapter = adapter_for("one", Refusing)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^no$"), adapter.open(LoaderRequest([1])):
        raise AssertionError("it was opened")


def test_the_signature_is_the_constructor_s() -> None:
    assert list(adapter_for("one", Lengthless).signature().parameters) == ["dataset", "batch_size"]
