"""The plan numbers what it is given, and waits to be asked."""

from collections.abc import Iterator

from reference_loader.plan import Task, plan


def test_tasks_are_numbered_from_zero() -> None:
    assert list(plan([[4, 2], [0]])) == [Task(0, [4, 2]), Task(1, [0])]


def test_keys_are_started_at_once_and_drawn_on_request() -> None:
    seen: list[str] = []

    class Keys:
        def __iter__(self) -> Iterator[int]:
            seen.append("started")
            return (seen.append("drawn") or 5 for _ in range(3))  # type: ignore[func-returns-value]

    tasks = plan(Keys())
    assert seen == ["started"]
    next(tasks)
    assert seen == ["started", "drawn"]
