"""The few words a chapter of the specification may use.

What is exported here is the vocabulary: requirements, probe datasets, traces and tests of chance.
The harness that judges with them is in the modules beside it; `python -m conformance` runs it.
"""

from conformance.accelerator import (
    NO_ACCELERATOR,
    Accelerator,
    Blocks,
    has_accelerator,
    on_accelerator,
    typically,
)
from conformance.capability import Capability, Unsupported
from conformance.datasets import (
    Gated,
    Identity,
    Iterated,
    Samples,
    Watched,
    cut,
    epoch,
    flat,
    meeting,
    plain,
    seeded,
    typed,
)
from conformance.footprint import footprint, left_since
from conformance.processes import Started, die, running, unhurried, until
from conformance.request import LoaderRequest
from conformance.requirement import Honest, given, requirement
from conformance.statistics import (
    FALSE_ALARM,
    POWER,
    rank_correlation_p,
    share_p,
    share_power,
    uniform_p,
    uniform_power,
)
from conformance.subject import Subject
from conformance.trace import Event, Trace
from conformance.troubles import Troubled, TroubledStream, Until, kind_of, told

__all__ = [
    "FALSE_ALARM",
    "NO_ACCELERATOR",
    "POWER",
    "Accelerator",
    "Blocks",
    "Capability",
    "Event",
    "Gated",
    "Honest",
    "Identity",
    "Iterated",
    "LoaderRequest",
    "Samples",
    "Started",
    "Subject",
    "Trace",
    "Troubled",
    "TroubledStream",
    "Unsupported",
    "Until",
    "Watched",
    "cut",
    "die",
    "epoch",
    "flat",
    "footprint",
    "given",
    "has_accelerator",
    "kind_of",
    "left_since",
    "meeting",
    "on_accelerator",
    "plain",
    "rank_correlation_p",
    "requirement",
    "running",
    "seeded",
    "share_p",
    "share_power",
    "told",
    "typed",
    "typically",
    "unhurried",
    "uniform_p",
    "uniform_power",
    "until",
]
