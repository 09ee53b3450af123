"""The report as Markdown: read back by a parser, as whoever publishes it has it read."""

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conformance.catalogue import Catalogue
from conformance.outcome import Outcome, Result
from conformance.report.markdown import cell, fenced, render, render_catalogue
from tests.conformance.examples import report, result
from tests.miniatures import CONTROL, MARKUP

HOSTILE = MARKUP + CONTROL
FAILED = result(
    Outcome.FAILED,
    message="it is lost",
    asked="Loader([1])",
    came={"delivered": "[]"},
    script="x = 1\n",
    output="said",
)


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def inline(text: str) -> str:
    """Return the text of a paragraph that has nothing but text."""
    opening, content, closing = tokens(text)
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close"), text
    assert {child.type for child in content.children or []} <= {"text", "softbreak", "text_special"}
    return "".join(child.content for child in content.children or [])


def test_counts_are_a_table_and_failures_have_a_section() -> None:
    text = render(report(FAILED, result(Outcome.UNSUPPORTED, "b")))
    assert "\n| one | 1.0 | 0 of 1 | 0 of 0 | 0 | 1 | 1 |\n" in text
    assert "\n| one | does not conform | 0 of 1 | 0 of 0 |\n" in text
    assert "\n### failed: order.some\\_requirement\n" in text
    assert "\nA loader MUST do it. (D1-001)\n" in text
    assert "\nit is lost\n\n- asked: Loader\\(\\[1\\]\\)\n- came: delivered = \\[\\]\n" in text
    assert "\n```python\nx = 1\n```\n\n```\nsaid\n```\n" in text
    assert text.endswith("\n0 passed, 1 failed, 1 skipped\n")


def test_who_has_no_failure_has_no_section() -> None:
    text = render(report(result()))
    assert "##" not in text
    assert "not finished" not in text


def test_strictness_shows_in_the_verdict() -> None:
    failed = report(result(), result(Outcome.FAILED, "b", level="SHOULD"))
    assert "| conforms |" in render(failed)
    assert "| does not conform |" in render(failed, strict=True)


def test_a_defect_is_what_is_not_met_and_not_documented_otherwise() -> None:
    text = render(
        report(
            result(),
            result(Outcome.FAILED, "b"),
            result(Outcome.CRASH, "c", known="an issue"),
            result(Outcome.FAILED, "d", known="as its documents say", documented=True),
            result(Outcome.FAILED, "e", level="SHOULD"),
            result(requirement="f", known="mended"),
        )
    )
    assert "\n| one | 1.0 | 1 of 5 | 0 of 1 | 1 | 3 | 0 |\n" in text


def test_known_deviations_are_listed() -> None:
    text = render(
        report(result(Outcome.FAILED, known="an issue"), result(requirement="b", known="k"))
    )
    assert "Known deviations:\n\n- order.some\\_requirement: an issue\n" in text
    assert "met now (take them off the list):\n\n- order.b: k\n" in text.replace("\\(", "(")


def test_what_is_documented_otherwise_is_listed_apart() -> None:
    text = render(report(result(Outcome.FAILED, known="on its page", documented=True)))
    assert "Documented otherwise by the loader's library:\n\n- order." in text
    assert "Known deviations" not in text


def test_what_is_known_is_linked_to_where_it_can_be_read() -> None:
    where = "https://example.org/a_b/c.py#L1-L2"
    text = render(report(result(Outcome.FAILED, known="an issue", link=where)))
    assert f"order.some\\_requirement: an issue <{where}>\n" in text
    (link,) = [
        child.attrs["href"]
        for token in tokens(text)
        for child in token.children or []
        if child.type == "link_open"
    ]
    assert link == where


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a.b/> <i>", "https://a.b/\x1b"])
def test_what_is_no_link_is_text(link: str) -> None:
    text = render(report(result(Outcome.FAILED, known="an issue", link=link)))
    assert not {"link_open", "html_inline"} & {
        child.type for token in tokens(text) for child in token.children or []
    }


def test_what_is_not_finished_says_so() -> None:
    text = render(report(result(), complete=False))
    assert "**The run was not finished: what is missing was not judged.**" in text


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "| a | b |",
        "*a* _b_ ~c~ `d` [e](f) ![g](h) <i> &lt; \\",
        "# a",
        "- a",
        "+ a",
        "1. a",
        "12) a",
        "> a",
        "---",
        "===",
        "    a",
        "```",
        "a\n\nb",
    ],
)
def test_a_cell_is_text_whatever_it_holds(text: str) -> None:
    shown = inline(cell(text))
    if text is not HOSTILE:
        assert shown == " ".join(text.split())
    assert len(tokens(f"| a | b |\n|---|---|\n| {cell(text)} | c |\n")) == len(
        tokens("| a | b |\n|---|---|\n| d | c |\n")
    )


@pytest.mark.parametrize("text", [HOSTILE, "```\n# a", "````\n```", "~~~", "", "a\n\n"])
def test_a_fence_holds_whatever_it_is_given(text: str) -> None:
    fence, paragraph, *_ = tokens(f"{fenced(text, 'python')}\nafter")
    assert (fence.type, fence.info, paragraph.type) == ("fence", "python", "paragraph_open")
    if text is not HOSTILE:
        assert fence.content.rstrip() == text.rstrip()
    else:
        assert fence.content.startswith(MARKUP)
        assert r"\x1b[31mred" in fence.content


def shape(*results: Result) -> list[str]:
    return [token.type for token in tokens(render(report(*results)))]


def test_hostile_results_change_nothing_around_them() -> None:
    hostile = result(
        Outcome.FAILED,
        loader=HOSTILE,
        message=HOSTILE,
        asked=HOSTILE,
        came={HOSTILE: HOSTILE},
        script=HOSTILE,
        output=HOSTILE,
    )
    assert shape(hostile) == shape(FAILED)
    known = result(Outcome.FAILED, known=HOSTILE)
    assert shape(known) == shape(result(Outcome.FAILED, known="so"))
    assert render(report(hostile)).encode("utf-8")


def test_the_catalogue_is_a_page(spec: Catalogue) -> None:
    page = render_catalogue(spec)
    for requirement in spec.requirements.values():
        assert requirement.name in page.replace("\\", "")
        assert requirement.sentence.partition("_")[0] in page.replace("\\", "")
