"""A failure as a program: it runs without this project, and fails for the same reason."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.adapter import Adapter, adapter_for
from conformance.catalogue import Catalogue, catalogue
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.outcome import Outcome
from conformance.script import script
from tests.conformance.script_checks import checks

LOADERS = """
class Good:
    def __init__(self, dataset, batch_size=1, sampler=None, drop_last=False):
        self.dataset, self.size, self.drop_last = dataset, batch_size, drop_last
        self.sampler = sampler

    def __iter__(self):
        order = range(len(self.dataset)) if self.sampler is None else self.sampler
        samples = [self.dataset[index] for index in order]
        for start in range(0, len(samples), self.size):
            batch = samples[start : start + self.size]
            if len(batch) == self.size or not self.drop_last:
                yield batch

class Bad(Good):
    def __iter__(self):
        yield from list(super().__iter__())[:-1]

class Outer:
    class Nested(Bad): ...

def make_bad(dataset, batch_size=1):
    return Bad(dataset, batch_size)

class Factory:
    def __call__(self, dataset, batch_size=1):
        return Bad(dataset, batch_size)

factory = Factory()
anonymous = lambda dataset, batch_size=1: Bad(dataset, batch_size)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Yield a folder with a module of loaders, which can be imported here as well."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "scripted_loaders.py").write_text(LOADERS)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def run(program: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script from a folder that has the loaders and nothing of this project."""
    path = home / "script.py"
    # This project may be installed for development: a script that needs it must fail nevertheless.
    hidden = "import sys\nfor name in ('conformance', 'specs', 'tests'): sys.modules[name] = None\n"
    guard = 'if __name__ == "__main__":\n    import sys\n'
    path.write_text(program)
    runner = home / "runner.py"
    runner.write_text(
        hidden + guard + "    import runpy\n    runpy.run_path(sys.argv[1], run_name='__main__')\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, str(runner), str(path)],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def written(spec: Catalogue, requirement: str, adapter: Adapter) -> str:
    """Return the script of a judgement that has to fail."""
    verdict = judge(spec.get(requirement), adapter, Settings(examples=20))
    assert verdict.outcome is Outcome.FAILED, verdict
    return verdict.script


def test_a_script_holds_the_check_and_the_loader_and_nothing_of_ours(
    spec: Catalogue, home: Path
) -> None:
    program = written(spec, "an_epoch_is_the_dataset", named("scripted_loaders:Bad"))
    assert program.startswith(
        "# An epoch MUST deliver every sample of the dataset, in order. (D1-001)\n"
    )
    assert "from scripted_loaders import Bad\n" in program
    assert "    loader = Bad(Identity(size), batch_size=batch_size)\n" in program
    assert "    an_epoch_is_the_dataset(size=1, batch_size=1)\n" in program
    code = program.partition("\n")[2]
    for word in ("conformance", "subject", "requirement", "given(", "hypothesis"):
        assert word not in code


def test_a_script_fails_as_the_check_did_and_passes_with_a_good_loader(
    spec: Catalogue, home: Path
) -> None:
    program = written(spec, "an_epoch_is_the_dataset", named("scripted_loaders:Bad"))
    failed = run(program, home)
    assert failed.returncode == 1
    assert failed.stderr.endswith("AssertionError: ([], [0])\n")
    passed = run(program.replace("Bad", "Good"), home)
    assert (passed.returncode, passed.stderr) == (0, "")


@pytest.mark.parametrize("path", ["Outer.Nested", "make_bad", "factory", "anonymous"])
def test_a_loader_is_called_by_the_name_it_was_asked_for(
    spec: Catalogue, home: Path, path: str
) -> None:
    program = written(spec, "four_samples_make_two_pairs", named(f"scripted_loaders:{path}"))
    failed = run(program, home)
    assert failed.stderr.endswith("AssertionError: ([[0, 1]], [[0, 1], [2, 3]])\n")


def test_a_partial_constructor_is_written_out(spec: Catalogue) -> None:
    adapter = named("reference-ignore")
    program = script(spec.get("four_samples_make_two_pairs"), adapter, {})
    assert "from functools import partial\n" in program
    assert "from reference_loader import DataLoader\n" in program
    assert "loader = partial(DataLoader, on_conflict='ignore')(Identity(4)" in program
    compile(program, "script", "exec")


def test_torch_s_loader_comes_from_where_users_import_it(spec: Catalogue) -> None:
    program = script(spec.get("four_samples_make_two_pairs"), named("torch"), {}, seed=7)
    assert "from torch.utils.data import DataLoader\n" in program
    assert "    torch.manual_seed(7)\n" in program
    assert "multiprocessing" not in program


def test_a_script_starts_workers_as_the_run_did(spec: Catalogue) -> None:
    requirement = spec.get("four_samples_make_two_pairs")
    program = script(requirement, named("torch"), {}, start_method="spawn")
    assert "import multiprocessing\n" in program
    assert "    multiprocessing.set_start_method('spawn')\n" in program


@pytest.fixture(scope="module")
def offering(home: Path) -> Adapter:
    """Return an adapter of a good loader that offers something."""
    import scripted_loaders  # type: ignore[import-not-found]

    good = scripted_loaders.Good
    return adapter_for("scripted_loaders:Good", good, offers={"making": scripted_loaders.make_bad})


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_a_check_can_be_written_out_whatever_it_uses(
    check: Any, offering: Adapter, home: Path
) -> None:
    """Each fails, saying what it saw: so it ran to its end."""
    verdict = judge(check, offering, Settings(seed=5))
    assert verdict.outcome is Outcome.FAILED, verdict
    failed = run(verdict.script, home)
    assert failed.stderr.rstrip().endswith("AssertionError: saw it"), verdict.script + failed.stderr
    for word in ("conformance", "subject"):
        assert word not in verdict.script.partition("\n")[2]


@pytest.mark.parametrize("offers", [True, False], ids=["offers all", "offers nothing"])
def test_every_requirement_of_the_specification_can_be_written_out(offers: bool) -> None:
    """That it runs as well, the checks above show for all that a check may use."""
    loader = named("reference-ignore")
    loader = loader if offers else replace(loader, offers={})
    for requirement in catalogue().requirements.values():
        program = script(requirement, loader, dict.fromkeys(requirement.given, "None"))
        compile(program, requirement.name, "exec")
        assert "subject" not in program.partition("import")[2], program
