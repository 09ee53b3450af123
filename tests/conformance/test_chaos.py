"""Chaos: faults drawn from seeds, and what an epoch has to come to in spite of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.chaos import DEATHS, MOMENTS, SURVIVED, Fault, chaos, judged

FAULT = replace(
    Fault.drawn(0), moment="fetch", manner="SIGKILL", size=5, batch_size=2, in_order=True
)
WHOLE: list[Any] = [[0, 1], [2, 3], [4]]


def test_a_seed_draws_one_fault_and_all_kinds_are_drawn() -> None:
    faults = [Fault.drawn(seed) for seed in range(500)]
    assert faults == [Fault.drawn(seed) for seed in range(500)]
    assert {fault.moment for fault in faults} == set(MOMENTS)
    assert {fault.manner for fault in faults} == {*DEATHS, "exception"}
    assert {fault.method for fault in faults} == {"fork", "forkserver", "spawn"}
    assert {fault.persistent_workers for fault in faults} == {True, False}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (WHOLE, SURVIVED),
        ([[0, 1], "RuntimeError", "RuntimeError", "RuntimeError"], SURVIVED),
        ([[0, 1], "RuntimeError"], SURVIVED),
        ([[0, 1], "RuntimeError", [2, 3], [4]], SURVIVED),
        ([[0, 1], "RuntimeError", [4]], SURVIVED),
        (["RuntimeError", [4]], "lost a batch after an error"),
        ([[0, 1], [4]], "lost a batch silently"),
        ([], "lost a batch silently"),
        ([[0, 1], [4], "RuntimeError"], "lost a batch before an error"),
        ([[0, 1], [0, 1], [2, 3], [4]], "delivered a batch twice"),
        ([[0, 1], [3, 2], [4]], "delivered a wrong batch"),
        ([[2, 3], [0, 1], [4]], "delivered batches out of order"),
    ],
)
def test_what_becomes_of_an_epoch_with_a_fault(answers: list[Any], outcome: str) -> None:
    assert judged(answers, FAULT, faulty=True) == outcome


def test_an_epoch_without_a_fault_has_to_be_whole() -> None:
    assert judged(WHOLE, FAULT, faulty=False) == SURVIVED
    assert judged(["RuntimeError", *WHOLE], FAULT, faulty=False) == "raised an error"
    assert judged(WHOLE[:2], FAULT, faulty=False) == "lost a batch"


def test_without_order_batches_may_come_in_any() -> None:
    unordered = replace(FAULT, in_order=False)
    assert judged(WHOLE[::-1], unordered, faulty=True) == SURVIVED


def test_a_worker_that_was_not_initialised_may_fail_in_every_epoch() -> None:
    fault = replace(FAULT, moment="start", manner="exception", persistent_workers=True)
    assert judged(["InjectedError"] * 3, fault, faulty=False) == SURVIVED
    assert judged([], fault, faulty=False) == "lost a batch silently"


def test_the_reference_loader_survives_each_kind_of_fault() -> None:
    by_kind = {
        (fault.moment, fault.manner): fault.seed
        for fault in map(Fault.drawn, range(400))
        if fault.method == "fork"
    }
    assert len(by_kind) == len(MOMENTS) * len(DEATHS) + 4
    findings = list(chaos("reference", list(by_kind.values()), jobs=2))
    assert [finding for finding in findings if finding.outcome != SURVIVED] == []
    assert len(findings) == len(by_kind)


def test_the_command_writes_and_counts_findings(
    conformance: Callable[..., Any], tmp_path: Path
) -> None:
    output = tmp_path / "chaos.jsonl"
    ended = conformance("chaos", "--loader", "reference", "--injections", 2, "--output", output)
    assert ended.code == 0, ended
    assert "reference" in ended.out
    assert f"{2:6} survived" in ended.out
    findings = [json.loads(line) for line in output.read_text().splitlines()]
    assert sorted(finding["fault"]["seed"] for finding in findings) == [0, 1]


def test_a_loader_that_hides_a_dead_worker_is_found_out(
    conformance: Callable[..., Any], tmp_path: Path
) -> None:
    seed = next(
        fault.seed
        for fault in map(Fault.drawn, range(200))
        if (fault.moment, fault.method) == ("fetch", "fork")
        and fault.manner.startswith("SIG")
        and fault.persistent_workers
    )
    # torch's persistent workers are not replaced after one has died.
    output = tmp_path / "chaos.jsonl"
    arguments = ("--loader", "torch", "--seed", seed, "--injections", 1, "--output", output)
    ended = conformance("chaos", *arguments)
    assert ended.code == 1
    assert f"seed {seed}: " in ended.out
    assert f"{1:6} survived" not in ended.out
