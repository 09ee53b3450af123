"""Two states of a package side by side, and revisions that are not there."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.benchmark.record import Outcome
from conformance.benchmark.revision import head, merge_base, sides, twins, unpack
from conformance.benchmark.session import comparisons
from conformance.catalogue import Catalogue
from conformance.errors import UsageError
from tests.conformance.conftest import Command

LOADER = "loadings:Loader"
BENCHMARK = '''
from conformance import Identity, LoaderRequest
from conformance.benchmark import Work, benchmark, collected, exhaust


@benchmark()
def {name}() -> Work:
    """What does it cost?"""
    return Work(
        request=LoaderRequest(Identity(4)),
        batches=4,
        consume=exhaust,
        receipt=(4, [3]),
        check=collected([[0], [1], [2], [3]]),
    )
'''


def git(*arguments: str) -> None:
    """Run git here."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def write(path: str, text: str) -> None:
    """Write a file, in a folder that may not be there yet."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.fixture
def repository(spec: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a repository with a loader of two states, the later one not committed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    write("loadings/__init__.py", "from loadings.parts import Loader\n")
    write(
        "loadings/parts.py",
        "from tests.miniatures import Plain\n\n\nclass Loader(Plain):\n    state = 'then'\n",
    )
    write("asking/__init__.py", "")
    write("asking/benchmarks/__init__.py", "")
    write("asking/benchmarks/costs.py", BENCHMARK.format(name="staying"))
    write("asking/benchmarks/more.py", BENCHMARK.format(name="going"))
    git("init")
    git("add", ".")
    git("commit", "-m", "then")
    parts = Path("loadings/parts.py")
    parts.write_text(parts.read_text().replace("then", "now"))
    Path("asking/benchmarks/more.py").unlink()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("asking", "loadings"))]:
        del sys.modules[name]


def test_both_states_are_imported_side_by_side(repository: Path, tmp_path: Path) -> None:
    commit = merge_base("HEAD")
    assert commit == head()
    folder = tmp_path / "apart"
    base, new = sides(LOADER, commit, unpack(commit, folder), folder)
    then, now = base.adapter().construct, new.adapter().construct
    assert (then.state, now.state) == ("then", "now")  # type: ignore[attr-defined]
    assert (then.__module__, now.__module__) == ("loadings_base.parts", "loadings_head.parts")
    assert (base.version, new.version) == (commit, "working tree")
    assert list(now(range(3), batch_size=2)) == [[0, 1], [2]]


def test_twins_are_the_same_twice(repository: Path, tmp_path: Path) -> None:
    first, second = (side.adapter().construct for side in twins(LOADER, tmp_path / "apart"))
    assert first is not second
    assert first.state == second.state == "now"  # type: ignore[attr-defined]


def test_what_the_harness_offers_with_a_loader_is_left_as_it_is(tmp_path: Path) -> None:
    then, now = (side.adapter() for side in twins("reference", tmp_path / "apart"))
    assert then.offers["accelerator"] is now.offers["accelerator"]
    assert then.offers["pad_collate"] is not now.offers["pad_collate"]


def test_a_revision_that_does_not_exist(repository: Path) -> None:
    with pytest.raises(UsageError) as raised:
        merge_base("no-such-branch")
    assert str(raised.value) == (
        "this repository has no revision 'no-such-branch'; `git log --oneline --all` shows what "
        "there is (a shallow clone lacks most: git fetch --unshallow)"
    )


def test_a_folder_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert head() is None
    with pytest.raises(UsageError, match="is in no git repository, so there is no revision"):
        merge_base("HEAD")


def test_nothing_in_common(repository: Path) -> None:
    git("checkout", "--orphan", "other")
    git("commit", "-m", "other")
    with pytest.raises(UsageError, match="has no commit in common with 'main'"):
        merge_base("main")


def test_a_loader_that_is_not_developed_here(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'torch' is defined in .*, outside this repository"):
        sides("torch", "HEAD", tmp_path, tmp_path / "apart")


def test_a_revision_without_the_package(repository: Path, tmp_path: Path) -> None:
    write("later/__init__.py", "from tests.miniatures import Plain\nclass Loader(Plain): ...\n")
    commit = merge_base("HEAD")
    tree = unpack(commit, tmp_path / "apart")
    with pytest.raises(UsageError, match=rf"{commit[:10]} has no package 'later'"):
        sides("later:Loader", commit, tree, tmp_path / "apart")


def test_a_revision_that_cannot_be_imported(repository: Path, tmp_path: Path) -> None:
    whole = Path("loadings/parts.py").read_text()
    write("loadings/parts.py", "import no_such_module\n")
    git("commit", "-am", "broken")
    broken = head()
    write("loadings/parts.py", whole)
    with pytest.raises(UsageError) as raised:
        comparisons("asking", [LOADER], "torch", "HEAD", 0, tmp_path / "apart")
    assert str(raised.value) == (
        f"the loader 'loadings:Loader' of {str(broken)[:12]} cannot be imported: "
        "ModuleNotFoundError: No module named 'no_such_module'; name another revision with "
        "--against"
    )


def test_the_gate_from_the_command_line(
    conformance: Command, repository: Path, tmp_path: Path
) -> None:
    options = ("--loader", LOADER, "--against", "HEAD", "--output", tmp_path / "r.jsonl")
    gated = conformance("--specification", "asking", "bench", *options, "-k", "staying")
    assert gated.code in (0, 1)  # the time that the two took decides, and that is the machine's
    assert f"{LOADER}  measured against {LOADER}@base {str(head())[:10]}\n" in gated.out
    vanished = conformance("--specification", "asking", "bench", *options)
    assert vanished.code == 1
    assert f"{Outcome.VANISHED} more.going: {str(head())[:10]} has it" in vanished.out


def test_a_wrong_revision_is_wrong_use(conformance: Command, repository: Path) -> None:
    ended = conformance("bench", "--loader", LOADER, "--against", "no-such-branch")
    assert ended.only_line.startswith("error: this repository has no revision 'no-such-branch';")
