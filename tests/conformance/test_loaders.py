"""A loader is found by its name, or a line says why not."""

import importlib.metadata
import sys
from pathlib import Path

import pytest

from conformance import loaders
from conformance.adapter import Adapter
from conformance.errors import UsageError
from conformance.loaders import available, bundled, named
from tests import miniatures

OWN = "(your own goes by module:callable, as in --loader my_package.loading:MyLoader)"
BUNDLED = (
    "accelerate, accelerate-dispatch, accelerate-rank, datasets, datasets-iterable, grain, "
    "grain-dataset, monai, reference, reference-ignore, spdl, spdl-pytorch, torch, "
    "torch-geometric, torchdata, torchdata-nodes, webdataset"
)


def test_the_bundled_loaders_are_the_files_of_the_folder() -> None:
    assert bundled() == BUNDLED.split(", ")


@pytest.mark.parametrize("name", ["reference", "reference-ignore", "torch"])
def test_a_bundled_loader_is_called_as_its_file(name: str) -> None:
    assert named(name).name == name


def test_any_callable_goes_by_module_and_name() -> None:
    adapter = named("tests.miniatures:Plain")
    assert (adapter.name, adapter.construct) == ("tests.miniatures:Plain", miniatures.Plain)
    assert named("tests.miniatures:Outer.Nested").construct is miniatures.Outer.Nested


def test_an_adapter_goes_by_its_module_and_the_name_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Adapter("another name", miniatures.Plain, frozenset(), distribution="torch")
    monkeypatch.setattr(miniatures, "ready", made, raising=False)
    monkeypatch.setattr(miniatures, "adapter", lambda: made, raising=False)
    miniatures.adapter.__name__ = "adapter"  # type: ignore[attr-defined]
    for name in ("tests.miniatures:ready", "tests.miniatures:adapter"):
        adapter = named(name)
        assert (adapter.name, adapter.distribution) == (name, "torch")
        assert adapter.construct is miniatures.Plain


def test_a_package_can_bring_an_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = importlib.metadata.EntryPoint("mine", "tests.miniatures:Plain", loaders.ENTRY_POINTS)
    monkeypatch.setattr(loaders, "_entry_points", lambda: [entry])
    assert available() == [*bundled(), "mine"]
    assert named("mine").construct is miniatures.Plain


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("torhc", f"no loader is called 'torhc'; did you mean torch, torchdata? {OWN}"),
        ("qqq", f"no loader is called 'qqq'; there are {BUNDLED} {OWN}"),
        ("", f"no loader is called ''; there are {BUNDLED} {OWN}"),
        (
            "no_such.module:Loader",
            "the loader 'no_such.module:Loader' cannot be imported: no module 'no_such' in the "
            "current folder or the environment; check the spelling, or install its package here",
        ),
        (
            "tests.needy_import:Loader",
            "the loader 'tests.needy_import:Loader' cannot be imported: no module "
            "'a_library_that_nobody_has' in the current folder or the environment; "
            "check the spelling, or install its package here",
        ),
        (
            "tests.broken_import:Loader",
            "the loader 'tests.broken_import:Loader' cannot be used: "
            "ImportError: the extension was built for another Python",
        ),
        (
            "conformance.errors:UsageEror",
            "conformance.errors has no 'UsageEror'; did you mean UsageError?",
        ),
        (
            "tests.miniatures:Outer.Nest",
            "tests.miniatures has no 'Outer.Nest'; did you mean Nested?",
        ),
        (
            "tests.miniatures:not_callable",
            "the loader 'tests.miniatures:not_callable' cannot be used: TypeError: a loader must "
            "be callable with a dataset, got 3; name a class or a function, as in --loader "
            "package.module:MyLoader",
        ),
        (
            "tests.miniatures:keywords_only",
            "the loader 'tests.miniatures:keywords_only' cannot be used: TypeError: a loader must "
            "take the dataset as its first argument, but tests.miniatures:keywords_only takes no "
            "positional argument; wrap it in a function (dataset, **options)",
        ),
        (
            "builtins:dict",
            "the loader 'builtins:dict' cannot be used: "
            "ValueError: no signature found for builtin type <class 'dict'>",
        ),
        (
            ":Loader",
            "the loader ':Loader' cannot be used: ValueError: Empty module name",
        ),
    ],
)
def test_a_loader_that_cannot_be_had_is_wrong_use(name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(name)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("accelerate", "accelerate"),
        ("accelerate-dispatch", "accelerate"),
        ("accelerate-rank", "accelerate"),
        ("monai", "monai.data"),
        ("spdl", "spdl.dataloader"),
        ("spdl-pytorch", "spdl.dataloader"),
        ("torch-geometric", "torch_geometric.loader"),
        ("torchdata", "torchdata.stateful_dataloader"),
    ],
)
def test_a_bundled_loader_s_missing_library_can_be_installed(
    name: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (missing.partition(".")[0], missing):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError) as caught:
        named(name)
    assert str(caught.value) == (
        f"the loader {name!r} needs {missing}, which is not installed; "
        f"pip install 'dataloader-conformance[{name}]'"
    )


@pytest.mark.parametrize("installed", ["0.9.11", "2.0.0"])
def test_a_bundled_loader_s_library_has_to_be_of_the_versions_declared(
    installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = ["torch>=2.6", 'torchdata<2,>=0.10; extra == "torchdata"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: declared)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed)
    with pytest.raises(UsageError) as caught:
        named("torchdata")
    assert str(caught.value) == (
        f"the loader 'torchdata' needs torchdata<2,>=0.10, but {installed} is installed; "
        "pip install 'dataloader-conformance[torchdata]'"
    )
    assert named("torch").name == "torch"


def test_a_module_that_does_not_parse_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unparsable_loader.py").write_text("class Loader(\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError) as caught:
        named("unparsable_loader:Loader")
    assert str(caught.value) == (
        "the loader 'unparsable_loader:Loader' cannot be used: "
        "SyntaxError: '(' was never closed (unparsable_loader.py, line 1)"
    )
