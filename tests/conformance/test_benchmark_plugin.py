"""Benchmarks as pytest items, in a pytest of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "tests" / "miniature_spec" / "benchmarks"
# Has the plugin measure by the miniature specification.
PLUGIN = """
from conformance import benchmark_plugin
benchmark_plugin.SPECIFICATION = "tests.miniature_spec"
"""
PLAIN = "tests.miniatures:Plain"
ONE = "lists.epochs[batch_size=1]"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin in a folder."""
    (folder / "miniature_plugin.py").write_text(PLUGIN)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ["-p", "miniature_plugin", "-p", "conformance.benchmark_plugin"]
    plugins += ["-p", "no:cacheprovider", "-c", str(folder / "pytest.ini")]
    # pytest-benchmark records nothing where it takes itself for a worker of pytest-xdist.
    own = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-rA", str(BENCHMARKS), *arguments],
        cwd=folder,
        env={**own, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_each_arm_is_an_item_with_the_rounds_that_were_measured(tmp_path: Path) -> None:
    ended = run_pytest(
        tmp_path, "--loader", PLAIN, "--baseline", PLAIN, "--quick", "-k", "epochs",
        "--benchmark-json=rounds.json", "--output=record.jsonl",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    assert "4 passed, 2 deselected" in ended.stdout
    assert f"{PLAIN}  measured against {PLAIN} \n" in ended.stdout
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["header", "row", "row", "footer"]
    row = lines[1]
    assert (row["benchmark"], row["outcome"]) == (ONE, "measured")
    loader, baseline, *_ = json.loads((tmp_path / "rounds.json").read_text())["benchmarks"]
    assert loader["group"] == baseline["group"] == f"{ONE} ({PLAIN})"
    for recorded, key in ((loader, "loader_us"), (baseline, "baseline_us")):
        assert recorded["stats"]["rounds"] == row["pairs"] == 3
        assert recorded["stats"]["median"] == pytest.approx(row[key] / 1e6)
        for figure in ("ratio", "low", "high"):
            assert recorded["extra_info"][figure] == row[figure]


def test_who_delivers_wrongly_fails_and_the_rest_is_measured(tmp_path: Path) -> None:
    wrong = "tests.conformance.benchmark.loaders:RaisingUnlessOne"
    ended = run_pytest(
        tmp_path, "--loader", wrong, "--baseline", PLAIN, "--quick", "-k", "epochs",
        "--output=record.jsonl",
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    assert "1 failed, 2 passed, 1 skipped" in ended.stdout
    assert f"error: loader {wrong}: OSError: too many open files" in ended.stdout
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    assert [line.get("outcome") for line in lines] == [None, "measured", "error", None]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--loader", "tests.miniatures:NoSuch"], "error: tests.miniatures has no 'NoSuch';"),
        (["-n", "2"], "error: benchmarks are measured one at a time; leave out -n"),
    ],
)
def test_wrong_use_is_a_line_and_2(tmp_path: Path, arguments: list[str], line: str) -> None:
    ended = run_pytest(tmp_path, *arguments, "--baseline", PLAIN)
    assert ended.returncode == 2
    assert line in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
