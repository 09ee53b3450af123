"""The jobs of this project. `nox -s conformance` is the main one; `nox -l` lists all."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["conformance", "tests", "lint", "types", "architecture"]

PROJECT = nox.project.load_toml("pyproject.toml")
NEED_AN_ACCELERATOR = (
    "transfer_memory",
    "transfer_copies",
    "transfer_overlap",
    "scenarios_transfer",
)
OURS = ("conformance", "reference_loader", "specs", "tests", "noxfile.py")
BUILD = Path("build")
ADAPTER_TESTS = Path("tests/conformance/adapters")
JUDGED = BUILD / "matrix"  # a report for each environment
NEWEST = BUILD / "newest"  # and for each in the newest versions


def _environments() -> dict[str, tuple[str, list[str]]]:
    """Return the extra and the loaders of each environment of the matrix, the plain one first.

    The folder of adapters says which loaders there are. The extra that brings one has its name, or
    the longest name that it begins with; loaders whose extras ask for the same share one.
    """
    extras = PROJECT["project"]["optional-dependencies"]
    shared: dict[tuple[str, ...], tuple[str, list[str]]] = {(): ("", [])}
    for path in sorted(Path("conformance/adapters").glob("[!_]*.py")):
        loader = path.stem.replace("_", "-")
        named = [name for name in extras if loader == name or loader.startswith(f"{name}-")]
        extra = max(named, key=len, default="")
        shared.setdefault(tuple(extras.get(extra, ())), (extra, []))[1].append(loader)
    return {extra or "bundled": (extra, loaders) for extra, loaders in shared.values()}


ENVIRONMENTS = _environments()


@nox.session
def conformance(session: nox.Session) -> None:
    """Judge the reference loader and torch's, then torchdata's; or whom the arguments name."""
    _install(session)
    if session.posargs:
        _judge(session, *session.posargs)
        return
    bundled = ("reference", "reference-ignore", "torch")
    output = ("--output", "build/conformance.jsonl")
    _judge(session, *(f"--loader={name}" for name in bundled), *output)
    session.notify("judge(torchdata)", posargs=())


@nox.session(venv_backend="none")
def matrix(session: nox.Session) -> None:
    """Judge all loaders that have an adapter here, and write who keeps what to build/matrix.html.

    Arguments go to each `conformance run`.
    """
    shutil.rmtree(JUDGED, ignore_errors=True)
    for name in ENVIRONMENTS:
        session.notify(f"judge({name})", posargs=session.posargs)
    session.notify("page", posargs=())


# Seconds for a requirement, where the thousands of short epochs that show how orders are spread
# take long: MONAI waits for its thread in each, SPDL starts threads, or a pool of processes, and
# grain takes milliseconds to shuffle an index of few.
DEADLINES = {"grain": 900, "monai": 150, "spdl": 1800}


@nox.session
@nox.parametrize("name", [nox.param(name, id=name) for name in ENVIRONMENTS])
def judge(session: nox.Session, name: str) -> None:
    """Judge the loaders that share an environment, and test their adapters there."""
    extra, loaders = ENVIRONMENTS[name]
    _install(session, "test", extra=extra)
    written = [ADAPTER_TESTS / f"test_{loader.replace('-', '_')}.py" for loader in loaders]
    tests_of_these = [str(path) for path in written if path.is_file()]
    # What is asked of all adapters is tested here, as most cannot be imported elsewhere.
    session.run("pytest", str(ADAPTER_TESTS / "test_bundled.py"), *tests_of_these)
    _judge(session, *_of_environment(name, JUDGED), *session.posargs)


@nox.session
@nox.parametrize("name", [nox.param(name, id=name) for name in ENVIRONMENTS if name != "bundled"])
def newest(session: nox.Session, name: str) -> None:
    """Judge an environment's loaders in the newest versions, and tell what an upgrade would change.

    The newest that the extra's range allows. All else stays as it is pinned if pip finds that it
    may, and torch in any case: its newest build is gigabytes, and not what is asked about. Fails
    if a promise is no longer kept. Arguments go to `conformance run`.
    """
    extra, _ = ENVIRONMENTS[name]
    libraries = PROJECT["project"]["optional-dependencies"][extra]
    pinned, after = JUDGED / f"{name}.jsonl", NEWEST / f"{name}.jsonl"
    only_torch = Path(session.create_tmp()) / "torch.txt"
    constraints = Path("constraints.txt").read_text("utf-8").splitlines()
    only_torch.write_text("\n".join(line for line in constraints if line.startswith("torch==")))

    def installed(*, upgraded: bool) -> str:
        _install(session, extra=extra)
        if upgraded:
            session.install("--upgrade", "-c", str(only_torch), *libraries)
        return str(session.run("pip", "freeze", "--exclude-editable", silent=True))

    if installed(upgraded=False) == installed(upgraded=True):
        session.log(f"{', '.join(libraries)}: the newest is what is pinned, nothing would change")
        return
    if not pinned.is_file():
        installed(upgraded=False)
        _judge(session, *_of_environment(name, JUDGED), *session.posargs, success_codes=[0, 1])
        installed(upgraded=True)
    _judge(session, *_of_environment(name, NEWEST), *session.posargs, success_codes=[0, 1])
    session.run("conformance", "compare", str(pinned), str(after))


@nox.session
def page(session: nox.Session) -> None:
    """Make a page, a table, JUnit XML and badges of what `judge` wrote, and of a kill matrix."""
    reports = [path for name in ENVIRONMENTS if (path := JUDGED / f"{name}.jsonl").is_file()]
    if not reports:
        session.error(f"{JUDGED} holds no report: run `nox -s matrix`")
    _install(session)
    merged = BUILD / "matrix.jsonl"
    # Of loaders whose run was cut off there is what had been judged by then.
    session.run("conformance", "merge", *map(str, reports), "--partial", f"--output={merged}")
    kills = BUILD / "kill-matrix.csv"
    with_kills = [f"--kill-matrix={kills}"] if kills.is_file() else []
    for format_, output, options in (
        ("html", "matrix.html", with_kills),
        ("markdown", "matrix.md", []),
        ("junit", "matrix.xml", []),
        ("badge", "badges", []),
    ):
        written = (f"--format={format_}", f"--output={BUILD / output}")
        session.run("conformance", "report", str(merged), *written, *options, silent=True)


@nox.session
def browser(session: nox.Session) -> None:
    """Test the page in a headless Chromium, where one is installed with its chromedriver."""
    _install(session, "browser")
    test = "tests/conformance/report/test_html_browser.py"
    session.run("pytest", "-rsP", test, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Test the harness, the specification and the reference loader."""
    _install(session, "test")
    # pytest-benchmark is for the pytest that a test starts; beside xdist it only warns.
    session.run("pytest", "-n", "2", "-p", "no:benchmark", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Judge every mutant by its chapter, and write the kill matrix to build/; all with --across."""
    _install(session)
    session.run("conformance", "mutants", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Inject a thousand random faults into the reference loader, or into whom --loader names."""
    _install(session)
    session.run("conformance", "chaos", *(session.posargs or ("--injections=1000",)))


@nox.session
def gpu(session: nox.Session) -> None:
    """Judge and measure on an accelerator; --no-venv takes the python and torch that are there.

    Nothing runs where there is none, which is no failure; the reason is printed.
    """
    python, here = "python", {}
    if session.venv_backend == "none":
        # Nothing is installed where that is not ours to do: the package is run as it lies here.
        python = sys.executable
        here = {"PYTHONPATH": os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])}
    else:
        _install(session)

    def run(*arguments: str, silent: bool = False) -> str:
        return str(session.run(python, *arguments, env=here, external=True, silent=silent)).strip()

    found = run("-c", "from conformance.accelerator import described as d; print(d())", silent=True)
    if found.startswith("no accelerator"):
        session.log("no accelerator: nothing ran")
        session.log(found)
        return
    session.log(found)
    chapters = [f"--chapter={chapter}" for chapter in NEED_AN_ACCELERATOR]
    judge = ("-m", "conformance", "run", "--output=build/gpu.jsonl")
    run(*judge, *(session.posargs or ("--loader=reference", "--loader=torch")), *chapters)
    run("-m", "conformance", "mutants", "--output=build/gpu-kill-matrix.csv", *chapters)
    loaders = ("--loader=reference", "--loader=specs.benchmarks.pinned:PlainLoop")
    run("-m", "conformance", "bench", *loaders, "-k", "pinned.", "--output=build/gpu-bench.jsonl")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the reference loader against torch's, or whom the arguments name; see --quick.

    The extra that brings a loader that is named is installed, too.
    """
    extras = PROJECT["project"]["optional-dependencies"]
    named = {argument.removeprefix("--loader=") for argument in session.posargs}
    _install(session, "bench", extra=",".join(sorted(named & {*extras})))
    if not any(argument.startswith("--loader") for argument in session.posargs):
        session.posargs.insert(0, "--loader=reference")
    Path("build").mkdir(exist_ok=True)  # pytest-benchmark makes no folder
    plugin = ("-p", "conformance.benchmark_plugin", "--pyargs", "specs.benchmarks")
    session.run("pytest", *plugin, "--benchmark-json=build/rounds.json", *session.posargs)


# Whose loaders stand beside the reference loader in one table. Their pins agree, so one environment
# holds them all, and they are measured on one machine with one torch.
PEERS = ("torchdata", "torchdata-nodes", "monai", "spdl", "grain", "datasets")


@nox.session
def peers(session: nox.Session) -> None:
    """Measure the reference loader and those of other libraries, and set them side by side.

    Writes build/peers.jsonl, build/peers.md and a picture for each library. Arguments go to
    `conformance bench`.
    """
    _install(session, extra=",".join(PEERS))
    record = BUILD / "peers.jsonl"
    loaders = ["reference", *(loader for name in PEERS for loader in ENVIRONMENTS[name][1])]
    chosen = [f"--loader={loader}" for loader in loaders]
    measured = (*chosen, "--without-slow", f"--output={record}", *session.posargs)
    # 1 tells that somebody delivered what it should not have; then the table says who and what.
    session.run("conformance", "bench", *measured, success_codes=[0, 1])
    session.run("conformance", "beside", str(record), f"--output={BUILD / 'peers.md'}")
    for name in PEERS:
        drawn = [f"--loader={loader}" for loader in ("reference", *ENVIRONMENTS[name][1])]
        picture = f"--output={BUILD / f'peers-{name}.svg'}"
        session.run("conformance", "chart", str(record), *drawn, picture)


@nox.session
def scale(session: nox.Session) -> None:
    """Measure how the cost grows with the work; write build/scale.jsonl and build/scale.svg."""
    _install(session)
    record, picture = BUILD / "scale.jsonl", BUILD / "scale.svg"
    who = session.posargs or ("--loader=reference",)
    measured = ("--scale", "--deadline=1800", f"--output={record}")
    session.run("conformance", "bench", *measured, *who)
    session.run("conformance", "chart", str(record), "--scale", f"--output={picture}")


@nox.session(name="bench-power")
def bench_power(session: nox.Session) -> None:
    """Put the gate to the test: how often it is right with nothing changed, and with a change."""
    _install(session)
    session.run("conformance", "bench-power", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style."""
    session.install("-c", "constraints.txt", *_group("lint"))
    session.run("ruff", "check", *OURS)
    session.run("ruff", "format", "--check", *OURS)


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    _install(session, "types")
    session.run("mypy", *session.posargs)


@nox.session
def architecture(session: nox.Session) -> None:
    """Check who imports whom."""
    session.install("-c", "constraints.txt", *_group("architecture"))
    session.run("lint-imports", env={"PYTHONPATH": "."})


def _install(session: nox.Session, *groups: str, extra: str = "") -> None:
    package = f".[{extra}]" if extra else "."
    needed = [requirement for group in groups for requirement in _group(group)]
    session.install("-c", "constraints.txt", "-e", package, *needed)


def _group(name: str) -> tuple[str, ...]:
    return tuple(nox.project.dependency_groups(PROJECT, name))


def _of_environment(name: str, folder: Path) -> list[str]:
    """Return the arguments with which the loaders of an environment are judged."""
    _, loaders = ENVIRONMENTS[name]
    chosen = [f"--loader={loader}" for loader in loaders]
    return [*chosen, f"--deadline={DEADLINES.get(name, 30)}", f"--output={folder / name}.jsonl"]


def _judge(session: nox.Session, *arguments: str, success_codes: Sequence[int] = (0,)) -> None:
    # 1 is a verdict ("does not conform") as much as 0: the session fails, and nothing broke.
    session.run("conformance", "run", *arguments, success_codes=success_codes)
