"""The command line as a process: interrupted, ended, piped into something that stops reading."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from conformance.report.jsonl import read_report

COMMAND = [sys.executable, "-m", "conformance", "--specification", "tests.miniature_spec"]
ROOT = Path(__file__).parents[2]
HANGING = "tests.miniatures:HangingWhenDropping"
RUN = ["run", "--loader", HANGING, "--deadline", "100", "--jobs", "2"]


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to happen."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def serving(pid: int) -> bool:
    """Whether the fork server is there; what is imported before may start programs, too."""
    for child in descendants(pid):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any("forkserver" in argument for argument in child.cmdline()):
                return True
    return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.jsonl"


def start(path: Path) -> subprocess.Popen[str]:
    """Start a run, and return when all is judged but what hangs."""
    process = subprocess.Popen(
        [*COMMAND, *RUN, "--output", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: path.exists() and path.read_text("utf-8").count('"kind": "result"') == 5)
    return process


def test_an_interrupted_run_keeps_what_it_has_and_leaves_nothing_behind(
    path: Path,
) -> None:
    process = start(path)
    started = descendants(process.pid)
    assert started
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(f"interrupted; the 5 results so far are in {path}\n")
    assert "Traceback" not in err
    assert "The run was not finished: what is missing was not judged.\n" in out
    report = read_report(path)
    assert report.footer == {"kind": "footer", "complete": False, "results": 5}
    assert [result.requirement for result in report.results][:2] == [
        "the_check_is_broken",
        "a_sampler_is_left_alone",
    ]
    assert psutil.wait_procs(started, timeout=10)[1] == []


def test_an_interrupt_before_anything_is_judged_ends_the_same(path: Path) -> None:
    """While the fork server loads the specification, say."""
    process = subprocess.Popen(
        [*COMMAND, *RUN, "--output", str(path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: serving(process.pid))
    started = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (130, False), err
    assert psutil.wait_procs(started, timeout=10)[1] == []
    assert not path.exists()


def test_whoever_stops_reading_is_not_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "explain", "an_epoch_is_the_dataset"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1


def test_the_package_is_a_command(tmp_path: Path) -> None:
    """On the real specification, from another folder, whose modules are found."""
    (tmp_path / "my_loading.py").write_text(
        "def load(dataset, batch_size=1):\n    raise ValueError('not yet')\n"
    )
    arguments = ["--loader", "my_loading:load", "-k", "drop_last", "--output", "report.jsonl"]
    ended = subprocess.run(
        [sys.executable, "-m", "conformance", "run", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False), ended.stderr
    assert "my_loading:load was not judged: nothing applies to it\n" in ended.stdout
    results = read_report(tmp_path / "report.jsonl").results
    assert results
    assert {result.outcome for result in results} == {"unsupported"}
