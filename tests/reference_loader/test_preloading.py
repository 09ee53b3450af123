"""The fork server is told what to load once, before it runs, and never over somebody's head."""

import subprocess
import sys

START = """
import multiprocessing
from multiprocessing import forkserver
from reference_loader.preloading import preload
server = forkserver._forkserver
"""


def lines(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", START + script], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def test_it_loads_torch_where_nobody_has_said_anything() -> None:
    script = "print(preload(), server._preload_modules)"
    assert lines(script) == ["True ['__main__', 'torch', 'reference_loader.worker']"]


def test_what_a_user_has_set_is_left_alone() -> None:
    script = """
multiprocessing.set_forkserver_preload(["json"])
print(preload(), server._preload_modules)
"""
    assert lines(script) == ["False ['json']"]


def test_a_server_that_runs_is_left_alone() -> None:
    script = """
forkserver.ensure_running()
print(preload(), server._preload_modules)
"""
    assert lines(script) == ["False ['__main__']"]


def test_a_library_that_has_changed_inside_is_left_alone() -> None:
    script = """
del server._preload_modules
print(preload())
"""
    assert lines(script) == ["False"]


def test_a_worker_is_the_fork_of_a_server_that_has_torch() -> None:
    script = """
from reference_loader import DataLoader
from tests.reference_loader.workloads import parent_has_torch
print(preload(), list(DataLoader([0], None, num_workers=1, multiprocessing_context="forkserver",
      collate_fn=parent_has_torch))) if __name__ == "__main__" else None
"""
    assert lines(script) == ["True [True]"]
