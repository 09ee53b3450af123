"""The page, read as HTML; what it does in a browser is tested in test_html_browser.py."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from conformance.outcome import Outcome, Result
from conformance.report.html import kind_of, mark_of, render, standing_of
from conformance.report.summary import summarise
from tests.conformance.examples import report, result
from tests.miniatures import CONTROL, MARKUP

PASSED, FAILED, UNSUPPORTED = Outcome.PASSED, Outcome.FAILED, Outcome.UNSUPPORTED
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'><!--" + MARKUP + CONTROL
)
ERRATUM = {"says": "It says", "section": "1", "erratum": "It is wrong", "ruling": "So it is"}


class Reader(HTMLParser):
    """Notes the tags in order, and the texts that stand in each kind of tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[dict[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.attributes.append(dict(attrs))
        self.texts.setdefault(tag, []).append("")

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.texts[self.tags[-1][0]][-1] += data

    def rows(self) -> int:
        return sum("data-r" in attributes for attributes in self.attributes)

    def embedded(self, identifier: str) -> Any:
        """Return what stands in a block of JSON."""
        scripts = [
            a.get("id")
            for (tag, _), a in zip(self.tags, self.attributes, strict=True)
            if tag == "script"
        ]
        return json.loads(self.texts["script"][scripts.index(identifier)])


def page(*results: Result, kills: Any = (), claims: Any = (), **options: Any) -> str:
    return render(report(*results, **options), dict(claims), dict(kills))


def read(*results: Result, **options: Any) -> Reader:
    return Reader(page(*results, **options))


TWO = [
    result(PASSED, "a"),
    result(FAILED, "b", level="SHOULD", message="it is lost", script="x = 1\n"),
    result(UNSUPPORTED, "a", loader="two"),
    result(PASSED, "b", loader="two", level="SHOULD", observations=("ignores it",)),
]


def test_loaders_stand_across_and_requirements_down() -> None:
    reader = read(*TWO)
    assert reader.rows() == 3  # two requirements, and a choice
    labels = [a["aria-label"] for a in reader.attributes if a.get("tabindex") == "-1"]
    assert labels == ["passed", "unsupported", "failed", "passed", "no", "yes"]
    assert [cell["cells"] for cell in reader.embedded("data")["requirements"]] == [[0, 2], [1, 0]]


def test_counts_say_what_they_are_out_of() -> None:
    text = re.sub(r"<[^>]+>", "", page(*TWO))
    assert "1 of 1 kept" in text
    assert "0 of 0 kept, 1 unsupported" in text
    assert "0 of 1 kept, 1 failed" in text
    assert "2 of 2 loaders conform" in text
    assert "1 of 2 loaders conform" in render(report(*TWO), {}, {}, strict=True)
    known = page(*TWO, result(Outcome.KNOWN, "c"))
    assert "1 of 2 loaders conform, 1 more but for what is known of them" in known


def test_a_loader_that_is_known_to_deviate_does_not_look_like_one_that_conforms() -> None:
    def standing(*results: Result) -> tuple[str, str]:
        return standing_of(summarise(results))

    assert standing(result()) == ("kept", "✓")
    assert standing(result(Outcome.KNOWN)) == standing(result(Outcome.DOCUMENTED)) == ("aside", "~")
    assert standing(result(), result(FAILED, "b")) == ("broken", "✗")
    assert standing(result(UNSUPPORTED)) == ("absent", "·")


def test_a_cell_opens_to_what_there_is_to_say_and_no_more() -> None:
    details = read(*TWO).embedded("details")
    assert details == {
        "1,0": {"message": "it is lost", "script": "x = 1\n"},
        "1,1": {"observations": ["ignores it"]},
    }


def test_who_was_not_judged_has_a_cell_that_says_so() -> None:
    reader = read(result(PASSED, "a"), result(PASSED, "b", loader="two"))
    labels = [a["aria-label"] for a in reader.attributes if a.get("tabindex") == "-1"]
    assert labels == ["passed", "not judged", "not judged", "passed"]
    text = page(result(PASSED, "a"), result(PASSED, "b", loader="two"))
    assert text.count("conforms so far") == 2


def test_every_outcome_has_a_sign_of_its_own() -> None:
    words = [*Outcome, "not judged"]
    assert len({mark_of(word) for word in words}) == len(words)
    kinds = {kind_of(word) for word in words}
    assert kinds == {"kept", "broken", "unsupported", "aside", "absent"}


def test_errata_are_shown_with_their_rulings() -> None:
    text = page(*TWO, claims={"D1-001": ERRATUM, "D1-002": {"says": "It holds"}})
    for part in ("D1-001", "It says", "It is wrong", "So it is", "1 claims that are wrong"):
        assert part in text
    assert "D1-002" not in text.partition("<dialog")[0]
    assert "errata-title" not in page(*TWO)


def test_the_kill_matrix_is_counted_and_embedded() -> None:
    kills = {"a": {"bad": ["a", "b"], "worse": ["b"], "far": "no accelerator"}}
    assert "1 of 2 mutants" in page(*TWO, kills=kills)
    assert "1 could not be judged there" in page(*TWO, kills=kills)
    assert read(*TWO, kills=kills).embedded("kills") == kills
    assert "kills-title" not in page(*TWO)


def test_what_is_not_finished_says_so() -> None:
    assert "The run was not finished: what is missing was not judged." in page(*TWO, complete=False)


def test_the_page_needs_nothing_else_and_runs_its_own_script_only() -> None:
    reader = read(*TWO)
    assert not {tag for tag, names in reader.tags if "src" in names}
    links = [a["href"] for a in reader.attributes if "href" in a]
    assert links == ["data:,", "#matrix"]
    script = re.findall(r"<script>(.*?)</script>", page(*TWO), re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest())
    (policy,) = (a["content"] for a in reader.attributes if "http-equiv" in a)
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest.decode()}'"
        in str(policy)
    )


@pytest.mark.parametrize("outcome", [FAILED, PASSED])
def test_hostile_text_changes_nothing_around_it(outcome: Outcome) -> None:
    def made(text: str) -> str:
        hostile = result(
            outcome,
            loader=text,
            message=text,
            asked=text,
            example={text: text},
            came={text: text},
            observations=(text,),
            script=text,
            output=text,
            traceback=text,
        )
        return page(hostile, kills={"some_requirement": {text: [text]}})

    hostile, plain = Reader(made(HOSTILE)), Reader(made("plain"))
    assert hostile.tags == plain.tags
    assert made(HOSTILE).encode("utf-8")
    details = hostile.embedded("details")["0,0"]
    assert details["message"].startswith("</script><script>alert(1)")
    assert r"\x1b[31mred" in details["message"]


def test_an_empty_report_is_a_page() -> None:
    assert read().rows() == 0
