"""What the tests of the harness share."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from conformance import cli
from conformance.catalogue import Catalogue, catalogue
from conformance.run import warm_up

SPECIFICATION = "tests.miniature_spec"
OF_MINIATURE = ("--specification", SPECIFICATION)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def only_line(self) -> str:
        """What a command that was used wrongly says: one line, and 2."""
        assert (self.code, self.out) == (2, "")
        assert self.err.count("\n") == 1, self.err
        return self.err.removesuffix("\n")


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def spec() -> Catalogue:
    """Return the miniature specification, which the fork server has loaded."""
    warm_up(SPECIFICATION, [])
    return catalogue(SPECIFICATION)


@pytest.fixture
def conformance(
    spec: Catalogue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Return a function that runs the command line on the miniature specification."""
    monkeypatch.setenv("COLUMNS", "100")

    def command(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["conformance", *OF_MINIATURE, *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ending:
            code = int(ending.code or 0)
        return Ended(code, *capsys.readouterr())

    return command
