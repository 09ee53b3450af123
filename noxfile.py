"""The jobs of this project. `nox -s conformance` is the main one; `nox -l` lists all."""

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["conformance", "tests", "lint", "types", "architecture"]

PROJECT = nox.project.load_toml("pyproject.toml")
OURS = ("conformance", "reference_loader", "specs", "tests", "noxfile.py")


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
    session.notify("torchdata")


@nox.session
def torchdata(session: nox.Session) -> None:
    """Judge torchdata's StatefulDataLoader, in an environment of its own."""
    _install(session, extra="torchdata")
    _judge(session, "--loader=torchdata", "--output=build/torchdata.jsonl", *session.posargs)


# Seconds for a requirement, where the thousands of short epochs that show how orders are spread
# take long: MONAI waits for its thread in each, SPDL starts threads, or a pool of processes, and
# grain takes milliseconds to shuffle an index of few.
DEADLINES = {"grain-dataset": 900, "monai": 150, "spdl": 300, "spdl-pytorch": 1800}


@nox.session
@nox.parametrize(
    "library",
    ["accelerate", "datasets", "grain", "monai", "spdl", "torch-geometric", "webdataset"],
)
def adapters(session: nox.Session, library: str) -> None:
    """Judge the loaders of one library, and test their adapters, in an environment of their own."""
    extras = PROJECT["project"]["optional-dependencies"]
    names = [name for name in extras if name == library or name.startswith(f"{library}-")]
    _install(session, "test", extra=",".join(names))
    for name in names:
        session.run("pytest", f"tests/conformance/adapters/test_{name.replace('-', '_')}.py")
        deadline = f"--deadline={DEADLINES.get(name, 30)}"
        _judge(session, f"--loader={name}", deadline, f"--output=build/{name}.jsonl")


@nox.session
def tests(session: nox.Session) -> None:
    """Test the harness, the specification and the reference loader."""
    _install(session, "test")
    session.run("pytest", "-n", "2", *session.posargs)


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


def _judge(session: nox.Session, *arguments: str) -> None:
    # 1 is a verdict ("does not conform") as much as 0: the session fails, and nothing broke.
    session.run("conformance", "run", *arguments)
