"""Tiny loaders with one vice each, for the harness to tell apart."""

from collections.abc import Iterator
from typing import Any


class Empty:
    """Takes everything and delivers nothing."""

    def __init__(self, dataset: Any, **options: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Refusing:
    """Takes nothing."""

    def __init__(self, dataset: Any, **options: Any) -> None:
        raise ValueError("no")
