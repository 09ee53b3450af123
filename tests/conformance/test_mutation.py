"""A mutant planted into a loader."""

import inspect
import pickle
from dataclasses import replace

from conformance.adapter import adapter_for
from conformance.catalogue import Catalogue
from conformance.mutation import mutated
from conformance.request import LoaderRequest
from conformance.requirement import Mutant
from tests.miniatures import Lengthless, Plain

HONEST = adapter_for("honest", Plain)


def signed(signature: inspect.Signature) -> inspect.Signature:
    return signature.replace(parameters=list(signature.parameters.values())[:1])


def test_a_mutant_alters_what_the_honest_loader_delivers(spec: Catalogue) -> None:
    (mutant,) = spec.get("an_epoch_is_the_dataset").mutants
    adapter = mutated(HONEST, mutant)
    assert adapter.name == "honest with loses_the_first_batch"
    assert adapter.capabilities == HONEST.capabilities
    with adapter.open(LoaderRequest([5, 6, 7], batch_size=2)) as loader:
        assert list(loader) == [[7]]
    assert adapter.signature() == HONEST.signature()


def test_a_loader_mutant_may_ask_something_else(spec: Catalogue) -> None:
    (mutant,) = spec.get("a_sampler_is_left_alone").mutants
    with mutated(HONEST, mutant).open(LoaderRequest([5, 6, 7], sampler=[0, 1, 2])) as loader:
        assert list(loader) == [[7], [6], [5]]


def test_a_signature_mutant_delivers_honestly() -> None:
    adapter = mutated(HONEST, Mutant("forgets", sign=signed))
    assert list(adapter.signature().parameters) == ["dataset"]
    called = mutated(replace(HONEST, called=Lengthless), Mutant("forgets", sign=signed))
    assert list(called.signature().parameters) == ["dataset"]
    with adapter.open(LoaderRequest([5], batch_size=2)) as loader:
        assert list(loader) == [[5]]


def test_a_mutated_loader_can_be_sent_to_another_process(spec: Catalogue) -> None:
    (mutant,) = spec.get("an_epoch_is_the_dataset").mutants
    adapter = pickle.loads(pickle.dumps(mutated(HONEST, mutant)))
    with adapter.open(LoaderRequest([5, 6])) as loader:
        assert list(loader) == [[6]]
