"""What the page does in a real browser: filters, cells, copies, keys, and harm that it does not."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.outcome import Outcome, Result
from conformance.report.html import render
from tests.conformance.examples import report, result

selenium = pytest.importorskip("selenium", reason="selenium is not installed: nox -s browser")
from selenium import webdriver  # noqa: E402
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium with a chromedriver is installed"
)

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)
PASSED, FAILED, UNSUPPORTED = Outcome.PASSED, Outcome.FAILED, Outcome.UNSUPPORTED
SCRIPT = "import torch\n\nassert not '<b>it</b> is & was'\n"
HOSTILE = (
    "</script><script>document.title='stolen'</script>",
    "<img src=x onerror=\"document.title='stolen'\">",
    "'\"><svg onload=\"document.title='stolen'\">",
    "javascript:document.title='stolen'",
    "<!--<script>",
    "{{ 7 * 7 }}",
)
RESULTS = [
    result(PASSED, "first", loader="one"),
    result(FAILED, "second", loader="one", message="it is lost", asked="L()", script=SCRIPT),
    result(PASSED, "third", loader="one", level="SHOULD", observations=("ignores it",)),
    result(PASSED, "first", loader="two"),
    result(PASSED, "second", loader="two"),
    replace(result(UNSUPPORTED, "third", loader="two", level="SHOULD"), chapter="workers"),
]
CLAIMS = {"D1-001": {"says": "A claim", "erratum": "Wrong", "ruling": "So", "section": "1"}}
KILLS = {"second": {"loses_it": ["second", "first"], "hides_it": ["first"], "far": "no device"}}


class Page:
    """A page in a browser, asked in a reader's words."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser = browser
        self.path = path

    def show(self, *results: Result, kills: Any = KILLS, claims: Any = CLAIMS) -> None:
        self.path.write_text(render(report(*results), claims, kills), "utf-8")
        self.browser.get("about:blank")
        self.browser.get(self.path.as_uri())

    def all(self, selector: str) -> list[Any]:
        return list(self.browser.find_elements(By.CSS_SELECTOR, selector))

    def one(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def rows(self) -> list[str]:
        """Return the requirements that are seen."""
        return [row.text for row in self.all("tr[data-r] th") if row.is_displayed()]

    def cell(self, requirement: str, column: int) -> Any:
        row = next(
            row for row in self.all("tr[data-r]") if requirement in row.get_attribute("textContent")
        )
        return row.find_elements(By.CSS_SELECTOR, "td button")[column]

    def choose(self, name: str, value: str) -> None:
        self.one(f"[name={name}] option[value='{value}']").click()

    def focused(self) -> Any:
        return self.browser.switch_to.active_element

    def keys(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def until(self, condition: Callable[[Any], Any]) -> Any:
        return WebDriverWait(self.browser, 30).until(condition)

    def complaints(self) -> list[str]:
        """Return what the browser complained of since it was asked last."""
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield a browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Page]:
    """Yield a page of two loaders; afterwards the browser had nothing to complain of."""
    page = Page(browser, tmp_path / "page.html")
    page.complaints()
    page.show(*RESULTS)
    yield page
    assert page.complaints() == []


def test_filters_leave_what_they_say(page: Page) -> None:
    assert page.rows() == ["first", "second", "third", "ignores it"]
    page.one("[name=differences]").click()
    assert page.rows() == ["second", "third", "ignores it"]
    assert page.one(".status").text == "2 of 3 requirements"
    page.one("[type=reset]").click()
    page.until(lambda _: len(page.rows()) == 4)
    page.choose("level", "should")
    assert page.rows() == ["third"]
    page.choose("level", "choice")
    assert page.rows() == ["ignores it"]
    page.choose("level", "")
    page.choose("outcome", "failed")
    assert page.rows() == ["second"]
    page.choose("outcome", "")
    page.one("[name=text]").send_keys("a loader must FIRST")
    assert page.rows() == ["first"]
    page.one("[name=text]").send_keys(" nowhere")
    assert page.rows() == []
    assert page.one(".nothing").text == "Nothing is left by these filters."


def test_a_chapter_is_chosen(page: Page) -> None:
    first, *others = sorted(RESULTS, key=lambda each: each.requirement)
    page.show(first, *(replace(each, chapter="workers") for each in others[1:]))
    page.one("[name=chapter]").find_elements(By.CSS_SELECTOR, "option")[2].click()
    assert page.rows() == ["second", "third", "ignores it"]


def test_loaders_are_hidden_and_count_no_more(page: Page) -> None:
    page.one(".pick summary").click()
    page.one("[name=loader][value='0']").click()
    heads = [head.text for head in page.all(".matrix thead th") if head.is_displayed()]
    assert heads == ["Requirement", "two\n1.0"]
    assert page.one(".picked").text == "1 of 2"
    page.choose("outcome", "failed")
    assert page.rows() == []
    page.one("[name=none]").click()
    assert page.one(".picked").text == "0 of 2"
    page.one("[name=every]").click()
    assert (page.one(".picked").text, page.rows()) == ("2 of 2", ["second"])


def test_chapters_open_and_close(page: Page) -> None:
    toggle = page.one(".chapter button")
    assert toggle.get_attribute("aria-expanded") == "true"
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "false"
    assert page.rows() == ["third", "ignores it"]
    page.one("[name=expand]").click()
    assert len(page.rows()) == 4
    page.one("[name=expand]").click()
    assert page.rows() == []


def test_a_cell_opens_to_what_shows_it(page: Page) -> None:
    page.cell("second", 0).click()
    dialog = page.one("dialog[open]")
    for part in ("failed one 1.0", "A loader MUST do it.", "order.second", "it is lost", "L()"):
        assert part in dialog.text
    assert "D1-001 A claim" in dialog.text
    assert page.one("dialog pre").text == SCRIPT.rstrip()
    mutants = [item.text for item in page.all(".mutants li")]
    assert mutants == [
        "✓ caught loses it",
        "✗ not caught hides it",
        "· not judged: no device far",
    ]
    page.one(".others button").click()
    assert "passed two 1.0" in dialog.text
    assert page.all("dialog pre") == []
    page.one(".close").click()
    assert page.all("dialog[open]") == []


def test_what_is_known_is_linked_to_where_it_can_be_read(page: Page) -> None:
    where = "https://example.org/loader.py#L1-L2"
    page.show(result(FAILED, "first", loader="one", known="it never did", link=where))
    page.cell("first", 0).click()
    assert "known as\nit never did" in page.one("dialog[open]").text
    assert page.one("dialog dl a").get_attribute("href") == where


def test_an_address_leads_to_a_cell(page: Page) -> None:
    page.cell("second", 0).click()
    address = page.browser.current_url
    page.browser.get("about:blank")
    page.browser.get(address)
    assert "failed one 1.0" in page.one("dialog[open]").text


def test_a_script_is_copied_to_the_letter(page: Page) -> None:
    page.cell("second", 0).click()
    page.one(".copy").click()
    page.until(lambda _: page.one(".copy").text == "Copied")
    assert page.one("#said").get_attribute("textContent") == "Copied"
    page.run(
        "const place = document.createElement('textarea');"
        "document.querySelector('.detail').append(place); place.focus()"
    )
    ActionChains(page.browser).key_down(Keys.CONTROL).send_keys("v").key_up(Keys.CONTROL).perform()
    assert page.run("return document.querySelector('textarea').value") == SCRIPT


def test_everything_is_done_by_keyboard(page: Page) -> None:
    page.keys("/")
    assert page.focused().get_attribute("name") == "text"
    page.run("document.querySelectorAll('.chapter button')[0].focus()")
    page.keys(Keys.TAB)
    assert page.focused().get_attribute("aria-label") == "passed"
    page.keys(Keys.ARROW_DOWN)
    assert page.focused() == page.cell("second", 0)
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP)
    assert page.focused() == page.cell("second", 0)
    page.keys(Keys.ENTER)
    assert page.focused().get_attribute("aria-label") == "Close"
    page.keys(Keys.ESCAPE)
    assert page.all("dialog[open]") == []
    assert page.focused() == page.cell("second", 0)
    page.keys(Keys.END)
    assert page.focused() == page.cell("second", 1)
    assert len(page.all("td button[tabindex='0']")) == 1


def test_rows_and_columns_have_heads_and_cells_have_words(page: Page) -> None:
    tree = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"]
    }
    assert ("table", "Requirements down, loaders across") in named
    assert ("columnheader", "one 1.0") in named
    assert ("rowheader", "second") in named
    assert ("button", "failed") in named
    assert ("search", "Filter the matrix") in named
    assert [
        word for role, word in named if role in ("button", "combobox", "searchbox") and not word
    ] == []


def test_light_and_dark(page: Page) -> None:
    def ground() -> str:
        return str(page.run("return getComputedStyle(document.body).backgroundColor"))

    grounds = {}
    for scheme in ("dark", "light"):
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": preferred})
        grounds[scheme] = ground()
    assert grounds["dark"] != grounds["light"]
    page.one(".theme").click()
    assert (ground(), page.one(".theme").get_attribute("aria-pressed")) == (grounds["dark"], "true")
    page.one(".theme").click()
    assert ground() == grounds["light"]


def test_a_phone_scrolls_the_tables_and_not_the_page(page: Page) -> None:
    page.show(*(replace(each, loader=f"loader-{n}") for n in range(12) for each in RESULTS[:3]))
    small = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
    try:
        assert page.run("return document.documentElement.scrollWidth") <= 400
        assert page.run("const m = document.querySelector('#matrix'); return m.scrollWidth") > 400
        before = page.one("tr[data-r] th").rect["x"]
        page.run("document.querySelector('#matrix').scrollLeft = 200")
        assert page.one("tr[data-r] th").rect["x"] == before
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_errata_and_the_kill_matrix_are_there_when_asked_for(page: Page) -> None:
    errata, kills = page.all("section > details")
    assert page.all(".kills table") == []
    for each in (errata, kills):
        each.find_element(By.CSS_SELECTOR, "summary").click()
    assert "Wrong" in errata.text
    page.until(lambda _: page.all(".kills table"))
    rows = [row.text for row in page.all(".kills tbody tr")]
    assert [row.partition("\n")[0] for row in rows] == [
        "second loses it ✓ caught",
        "second hides it ✗ not caught",
        "second far · not judged: no device",
    ]


def test_hostile_text_is_shown_and_does_nothing(page: Page) -> None:
    hostile = [
        replace(
            result(
                FAILED,
                f"r{number}",
                loader=text,
                message=text,
                asked=text,
                example={text: text},
                came={text: text},
                known=text,
                link=text,
                observations=(text,),
                script=text,
                output=text,
                traceback=text,
            ),
            sentence=f"It MUST {text}",
            source=(text, f"https://example.org/{text}"),
        )
        for number, text in enumerate(HOSTILE)
    ]
    page.show(*hostile, kills={"r0": {HOSTILE[0]: [HOSTILE[1], "__proto__"]}}, claims={})
    title = page.browser.title
    for column, text in enumerate(HOSTILE):
        page.cell(f"r{column}", column).click()
        dialog = page.one("dialog[open]")
        assert dialog.text.count(text) >= 5
        assert page.all("dialog img, dialog svg, dialog script") == []
        links = [link.get_attribute("href") for link in page.all("dialog a")]
        assert [link[:20] for link in links] == ["https://example.org/"]
        page.keys(Keys.ESCAPE)
    page.one(".kills summary").click()
    page.until(lambda _: page.all(".kills table"))
    assert page.browser.title == title
    assert len(page.all("script")) == 4
    assert page.all("img, svg, #matrix script") == []


def test_the_policy_stops_what_would_slip_through(page: Page) -> None:
    page.run(
        "const s = document.createElement('script'); s.textContent = 'document.title = 1';"
        "document.body.append(s)"
    )
    assert page.browser.title != "1"
    assert any("Content Security Policy" in message for message in page.complaints())


def test_twenty_loaders_and_235_requirements_open_at_once(page: Page) -> None:
    """The gate is the main thread's own time, five times what is aimed at: it knows no load."""
    details: dict[str, Any] = {
        "message": "it is lost",
        "script": SCRIPT * 20,
        "output": "said\n" * 20,
    }
    outcomes = [PASSED] * 6 + [FAILED, UNSUPPORTED]
    made = []
    for number in range(235):
        for loader in range(20):
            outcome = outcomes[(number * 7 + loader * 3) % len(outcomes)]
            more = details if outcome is FAILED else {}
            level = "SHOULD" if number % 10 == 0 else "MUST"
            each = result(outcome, f"r_{number}", loader=f"l{loader}", level=level, **more)
            made.append(replace(each, chapter=f"chapter_{number // 6}"))
    page.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    page.show(*made)
    metrics = page.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    busy = {metric["name"]: metric["value"] for metric in metrics}["TaskDuration"]
    wall = page.run(
        "const t = performance.timing, since = t.navigationStart;"
        "return {interactive: t.domInteractive - since, loaded: t.loadEventEnd - since}"
    )
    print(json.dumps({"bytes": page.path.stat().st_size, "busy": busy, **wall}))
    assert len(page.all("tr[data-r]")) == 235
    assert busy < 5
    page.browser.execute_cdp_cmd("Performance.disable", {})
