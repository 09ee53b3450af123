"""What every bundled adapter has to be; those whose libraries are not installed are skipped."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.adapter import Adapter, Deviation
from conformance.catalogue import catalogue
from conformance.errors import UsageError
from conformance.loaders import bundled, named

ROOT = Path(__file__).parents[3]
SOURCES = {
    path.stem: path.read_text("utf-8") for path in (ROOT / "conformance/adapters").glob("*.py")
}
PINNED = dict(re.findall(r"^(\S+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
REPOSITORIES = {
    "github.com/Project-MONAI/MONAI/blob": "monai",
    "github.com/google/grain/blob": "grain",
    "github.com/huggingface/accelerate/blob": "accelerate",
    "github.com/huggingface/datasets/blob": "datasets",
    "github.com/meta-pytorch/data/blob": "torchdata",
    "github.com/pyg-team/pytorch_geometric/blob": "torch_geometric",
    "github.com/pytorch/pytorch/blob": "torch",
    "github.com/webdataset/webdataset/blob": "webdataset",
    "facebookresearch.github.io/spdl": "spdl-core",
}


@pytest.fixture(params=bundled())
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Return each bundled adapter whose library is installed."""
    try:
        return named(request.param)
    except UsageError as error:
        if "is not installed" not in str(error):
            raise
        pytest.skip(str(error))


def test_a_declared_deviation_is_of_a_requirement_that_exists(adapter: Adapter) -> None:
    names = [deviation.requirement for deviation in adapter.deviations]
    assert [name for name in names if name not in catalogue().requirements] == []
    assert len(names) == len(set(names))


def unfounded(deviation: Deviation) -> str:
    """Return in words what a declared deviation lacks, or nothing."""
    link = urlsplit(deviation.link)
    if not deviation.reason.strip():
        return "a reason"
    if deviation.kind not in ("defect", "documented"):
        return "a kind"
    if not deviation.link:
        known = deviation.kind == "defect" and "no issue is known" in deviation.reason
        return "" if known else "a link, or the statement that no issue is known of the defect"
    if link.scheme != "https" or "." not in link.netloc or not link.path.strip("/"):
        return "an address"
    if re.search(r"\s", deviation.link):
        return "an address without blanks"
    if "/blob/" in link.path and link.path.endswith(".py") and not re.match(r"L\d", link.fragment):
        return "the lines of the source"
    return ""


def test_a_declared_deviation_says_why_and_where_that_can_be_read(adapter: Adapter) -> None:
    lacking = {d.requirement: lack for d in adapter.deviations if (lack := unfounded(d))}
    assert lacking == {}


@pytest.mark.parametrize(
    ("deviation", "lack"),
    [
        (Deviation("x", " ", "https://example.org/a"), "a reason"),
        (Deviation("x", "why"), "a link, or the statement that no issue is known of the defect"),
        (Deviation("x", "why; no issue is known"), ""),
        (
            Deviation("x", "why; no issue is known", kind="documented"),
            "a link, or the statement that no issue is known of the defect",
        ),
        (Deviation("x", "why", "http://example.org/a"), "an address"),
        (Deviation("x", "why", "https://example.org"), "an address"),
        (Deviation("x", "why", "https://example.org/a b"), "an address without blanks"),
        (Deviation("x", "why", "https://example.org/r/blob/v1/a.py"), "the lines of the source"),
        (Deviation("x", "why", "https://example.org/r/blob/v1/a.py#L7-L9"), ""),
    ],
    ids=str,
)
def test_what_a_deviation_lacks_is_noticed(deviation: Deviation, lack: str) -> None:
    assert unfounded(deviation) == lack


@pytest.mark.parametrize("module", SOURCES)
def test_links_are_to_the_version_that_is_pinned(module: str) -> None:
    """Only there are the lines those that are meant; and a moving branch is no evidence."""
    links = re.findall(r"https://([^\s\"]+)", SOURCES[module])
    versions = {
        (place, link.removeprefix(f"{place}/").partition("/")[0].removeprefix("v"))
        for link in links
        for place in REPOSITORIES
        if link.startswith(f"{place}/")
    }
    assert {place: v for place, v in versions if v != PINNED[REPOSITORIES[place]]} == {}
    moving = [link for link in links if re.search(r"/(main|master|latest|stable)/", link)]
    assert moving == []
    known = [link for link in links if "/blob/" in link or "/tree/" in link]
    assert [link for link in known if not link.startswith(tuple(REPOSITORIES))] == []


def test_no_check_has_a_variable_that_is_called_as_the_loader(adapter: Adapter) -> None:
    """In the script of a failure it would hide the loader's constructor."""
    construct = getattr(adapter.construct, "func", adapter.construct)
    checks = [requirement.check for requirement in catalogue().requirements.values()]
    hiding = [c.__name__ for c in checks if construct.__name__ in c.__code__.co_varnames]
    assert hiding == []
