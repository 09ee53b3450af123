"""What lasts from one epoch to the next: memory, and what persistent workers need."""

from typing import Any
from weakref import ref

import torch

from reference_loader.crew import Crew
from reference_loader.deliver import Delivery
from reference_loader.pages import Pages
from reference_loader.seeding import draw_seed


class Standing:
    """The crew, the seed that it got, and the epoch that it serves or served last; and the pages.

    A copy of the loader, or the loader in another process, gets a crew of its own; only the seed is
    copied, so that its next epochs are those of the original.
    """

    def __init__(self) -> None:
        self.pages: Pages | None = None
        self.crew: Crew | None = None
        self._base_seed: int | None = None
        self._epoch: ref[Delivery] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"pages": None, "crew": None, "_epoch": None}

    def base_seed(self, generator: torch.Generator | None) -> int:
        """Return the seed of all persistent workers, drawn once in the life of a loader.

        Also workers that replace others get it: that some died then changes no later order.
        """
        if self._base_seed is None:
            self._base_seed = draw_seed(generator)
        return self._base_seed

    def usable_crew(self) -> Crew | None:
        """Return the crew, or None if there is none, if it lost a worker, or if it is not ours."""
        return self.crew if self.crew is not None and self.crew.usable else None

    def end_epoch(self) -> None:
        """End the epoch that the crew serves, if it is not over."""
        epoch = self._epoch() if self._epoch is not None else None
        if epoch is not None:
            epoch.close(
                "persistent workers serve one iterator at a time, got another iter(loader) before "
                "the end of this one; use persistent_workers=False, or a loader for each"
            )

    def begin_epoch(self, epoch: Delivery) -> None:
        """Note the epoch that the crew serves from now on."""
        self._epoch = ref(epoch)
