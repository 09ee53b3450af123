"""The report as JUnit XML, for CI services."""

import re
from xml.etree import ElementTree as ET

from conformance.outcome import Outcome, Result
from conformance.report.jsonl import Report

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> str:
    """Return one test suite a loader, one test case a requirement."""
    root = ET.Element("testsuites", name="dataloader-conformance")
    for loader in report.loaders:
        results = report.of(loader)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_clean(loader),
            tests=str(len(results)),
            failures=str(sum(_tag(result) == "failure" for result in results)),
            errors=str(sum(_tag(result) == "error" for result in results)),
            skipped=str(sum(_tag(result) == "skipped" for result in results)),
            time=f"{sum(result.verdict.seconds for result in results):.3f}",
        )
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{result.loader}.{result.chapter}"),
        name=result.requirement,
        time=f"{result.verdict.seconds:.3f}",
    )
    tag = _tag(result)
    if tag:
        message = result.verdict.message or result.known or result.outcome
        element = ET.SubElement(case, tag, message=_clean(f"{result.outcome}: {message}"))
        parts = [
            result.sentence,
            result.verdict.asked,
            result.verdict.script,
            result.verdict.output,
        ]
        element.text = _clean("\n\n".join(part for part in parts if part))


def _tag(result: Result) -> str:
    match result.outcome:
        case Outcome.PASSED:
            return ""
        case Outcome.UNSUPPORTED | Outcome.KNOWN | Outcome.DOCUMENTED:
            return "skipped"
        case Outcome.FAILED | Outcome.UNEXPECTED_PASS:
            return "failure"
        case _:
            return "error"


def _clean(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
