"""An adapter to start from: it works as it stands, with the little loader below.

Copy it, put your library in the place of `Pipeline`, and say in CAPABILITIES what it can do:

    conformance smoke --loader template_adapter:adapter
    conformance run --loader template_adapter:adapter
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from conformance.adapter import Adapter, Deviation
from conformance.capability import Capability

# --- The library; yours is imported here instead. ------------------------------------------------


class Pipeline:
    """A loader that is not called like the DataLoader: each step returns the pipeline."""

    def __init__(self, source: Sequence[Any]) -> None:
        self.source = source
        self.length = 1
        self.whole = False
        self.together: Callable[[list[Any]], Any] = list

    def batched(self, length: int, *, whole: bool = False) -> Self:
        """Make batches of so many samples; of whole ones only, if asked for."""
        if length < 1:
            raise ValueError(f"a batch must have at least one sample, got {length}")
        self.length, self.whole = length, whole
        return self

    def joined(self, together: Callable[[list[Any]], Any]) -> Self:
        """Make each batch with a function."""
        self.together = together
        return self

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.source), self.length):
            indices = range(start, min(start + self.length, len(self.source)))
            if len(indices) == self.length or not self.whole:
                yield self.together([self.source[index] for index in indices])


# --- The adapter. --------------------------------------------------------------------------------

# What a request may need; one that needs more is unsupported, which is no failure.
CAPABILITIES = frozenset(
    {
        Capability.DATASET,  # a dataset with __len__ and __getitem__
        Capability.LAZY_DATASET,  # it is asked for a sample when that is due, and not before
        Capability.EMPTY_DATASET,
        Capability.BATCH_SIZE,
        Capability.DROP_LAST,
        Capability.COLLATE_FN,
    }
)

# What is known not to be met, and where that can be read. Start with none.
DEVIATIONS: tuple[Deviation, ...] = ()


def construct(
    dataset: Any,
    batch_size: int = 1,
    drop_last: bool = False,
    collate_fn: Callable[[list[Any]], Any] | None = None,
) -> Pipeline:
    """Return the loader that the DataLoader's keywords ask for.

    Translate, and do not repair: what the library does not do is to be seen in the report. Only
    what differs from the DataLoader's default is handed over.
    """
    pipeline = Pipeline(dataset).batched(batch_size, whole=drop_last)
    return pipeline.joined(collate_fn) if collate_fn else pipeline


adapter = Adapter(
    name="my-pipeline",
    construct=construct,
    capabilities=CAPABILITIES,
    distribution="",  # your package's name on PyPI: its version is in the report
    deviations=DEVIATIONS,
)
