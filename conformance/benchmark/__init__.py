"""Benchmarks of any loader, as ratios to a baseline that is measured beside it.

What is exported here is what a benchmark may use to say what is measured; the modules beside it
measure, and none of them knows which benchmarks or loaders there are.
"""

from conformance.benchmark.declaration import (
    Offers,
    Opened,
    Work,
    benchmark,
    collected,
    exhaust,
    same,
)

__all__ = ["Offers", "Opened", "Work", "benchmark", "collected", "exhaust", "same"]
