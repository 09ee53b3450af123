"""What is asked of a loader, as a value."""

from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from torch.utils.data import IterableDataset

from conformance.capability import Capability


@dataclass(frozen=True)
class LoaderRequest:
    """The DataLoader's seventeen parameters, in its order and with its defaults (D1 §DataLoader).

    The values are not checked: a request may ask for nonsense to see how a loader refuses it.
    """

    dataset: Any
    batch_size: int | None = 1
    shuffle: bool | None = None
    sampler: Iterable[Any] | None = None
    batch_sampler: Iterable[Any] | None = None
    num_workers: int = 0
    collate_fn: Callable[[Any], Any] | None = None
    pin_memory: bool = False
    drop_last: bool = False
    timeout: float = 0
    worker_init_fn: Callable[[int], None] | None = None
    multiprocessing_context: Any = None
    generator: Any = None
    prefetch_factor: int | None = None
    persistent_workers: bool = False
    pin_memory_device: str = ""
    in_order: bool = True

    def given(self) -> dict[str, Any]:
        """Return the arguments after `dataset` that differ from the default.

        The comparison is by identity, as asking for `True` where the default is `1` is a difference
        and a tensor has no truth value.
        """
        return {
            field.name: value
            for field in fields(self)[1:]
            if (value := getattr(self, field.name)) is not field.default
        }

    def needs(self) -> frozenset[Capability]:
        """Return what a loader has to be capable of to take this request."""
        needs = {Capability(name) for name in self.given()}
        is_stream = isinstance(self.dataset, IterableDataset)
        needs.add(Capability.ITERABLE_DATASET if is_stream else Capability.DATASET)
        if not is_stream and getattr(type(self.dataset), "lazy", False):
            needs.add(Capability.LAZY_DATASET)
        if isinstance(self.dataset, Sized) and len(self.dataset) == 0:
            needs.add(Capability.EMPTY_DATASET)
        if self.batch_size is None:
            needs.add(Capability.UNBATCHED)
        return frozenset(needs)

    def but(self, **changes: Any) -> Self:
        """Return this request with some arguments changed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        arguments = [
            repr(self.dataset),
            *(f"{name}={value!r}" for name, value in self.given().items()),
        ]
        return f"Loader({', '.join(arguments)})"
