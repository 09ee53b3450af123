"""What makes a requirement, and what is refused as one."""

import inspect
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import strategies as st

from conformance.request import LoaderRequest
from conformance.requirement import (
    Altered,
    AlterEpochs,
    Basis,
    Check,
    Level,
    Requirement,
    given,
    requirement,
)
from conformance.subject import Subject
from tests.miniatures import Plain


def check_with(docstring: str | None) -> Check:
    def a_check(subject: Subject) -> None: ...

    a_check.__doc__ = docstring
    return a_check


def lawful() -> Requirement:
    """Return a new requirement, to be given mutants."""
    return requirement(claims=["D1-001"])(check_with("It MUST.\n\nWhy."))


def test_the_docstring_is_the_law_and_its_reason_in_one_line_each() -> None:
    made = requirement(claims=["D1-001"], evidence=["a link"])(
        check_with("""A loader MUST NOT do
        that.

        It would be
        unwise.

        And unkind.
        """)
    )
    assert made.name == "a_check"
    assert made.chapter == "test_requirement"
    assert made.sentence == "A loader MUST NOT do that."
    assert made.reason == "It would be unwise. And unkind."
    assert (made.claims, made.evidence) == (("D1-001",), ("a link",))


@pytest.mark.parametrize("level", Level)
def test_each_word_of_the_rfc_is_a_level(level: Level) -> None:
    made = requirement(claims=["D1-001"])(check_with(f"It {level} be.\n\nWhy."))
    assert made.level is level
    assert made.level.binding == ("MUST" in level)


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        (None, "none"),
        ("It should be.\n\nWhy.", "none"),
        ("It MUST be, and it SHOULD be.\n\nWhy.", "['MUST', 'SHOULD']"),
        ("It MUST, it MUST.\n\nWhy.", "['MUST', 'MUST']"),
        ("It MUST be, but there is no reason.", "['MUST']"),
        ("No law.\n\nIt MUST be in the first sentence.", "none"),
    ],
)
def test_a_docstring_without_one_law_and_a_reason_is_refused(
    docstring: str | None, found: str
) -> None:
    with pytest.raises(ValueError, match="a_check") as caught:
        requirement(claims=["D1-001"])(check_with(docstring))
    assert str(caught.value) == (
        "the docstring of a_check must open with a sentence that has exactly one of MUST, MUST "
        f"NOT, SHOULD, SHOULD NOT, MAY (found {found}), then a blank line and the reason"
    )


def test_a_requirement_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="a_check") as caught:
        requirement()(check_with("It MUST.\n\nWhy."))
    assert str(caught.value) == "a_check must name the claims it holds or the evidence it rests on"


@pytest.mark.parametrize("source", ["claims", "evidence"])
def test_a_source_that_is_one_text_is_refused(source: str) -> None:
    """Or its letters would be taken for sources."""
    named: dict[str, Any] = {source: "D1-001"}
    with pytest.raises(TypeError) as caught:
        requirement(**named)(check_with("It MUST.\n\nWhy."))
    assert str(caught.value) == f"the {source} of a_check must be a list, got 'D1-001'"


def test_what_holds_a_claim_rests_on_the_documents_and_the_rest_on_practice() -> None:
    law = check_with("It MUST.\n\nWhy.")
    assert requirement(claims=["D1-001"], evidence=["link"])(law).basis is Basis.DOCUMENTS
    assert requirement(evidence=["link"])(law).basis is Basis.PRACTICE


def test_given_only_notes_the_strategies() -> None:
    sizes = st.integers()
    check = check_with("It MUST.\n\nWhy.")
    assert given(size=sizes)(check) is check
    assert requirement(claims=["D1-001"])(check).given == {"size": sizes}


def test_a_mutant_alters_each_epoch_of_an_honest_loader() -> None:
    law = lawful()

    @law.mutant
    def reverses(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
        return list(batches)[::-1]

    (mutant,) = law.mutants
    assert mutant.name == "reverses"
    assert mutant.build == AlterEpochs(reverses)
    request = LoaderRequest([7, 8, 9])
    loader = mutant.build(request, lambda request: Plain(request.dataset))
    assert [list(loader), list(loader)] == [[[9], [8], [7]]] * 2
    assert isinstance(loader, Altered)
    assert len(loader) == 3
    assert loader.batch_size == 1


def test_a_mutant_can_be_a_loader_or_a_signature() -> None:
    law = lawful()

    @law.mutant_loader
    def is_a_list(request: LoaderRequest, honest: Any) -> list[Any]:
        return [request.dataset]

    @law.mutant_signature
    def has_no_parameters(signature: inspect.Signature) -> inspect.Signature:
        return signature.replace(parameters=[])

    loader, signature = law.mutants
    assert (loader.name, loader.build, loader.sign) == ("is_a_list", is_a_list, None)
    assert (signature.build, signature.sign) == (None, has_no_parameters)


def test_the_source_text_is_the_check_s() -> None:
    assert lawful().source_text().startswith("    def a_check(subject")
