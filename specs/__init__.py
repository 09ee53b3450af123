"""The specification: what a DataLoader promises, as requirements that can be executed.

Each module is a chapter. It imports torch, Hypothesis and the words of `conformance`, and neither
a loader nor the harness.
"""

# What is basic comes first, so that a broken loader's first failure is the one to look at. A
# chapter that is not named here follows behind.
READING_ORDER = (
    "order",
    "batching",
    "length",
    "fetching",
    "datasets",
    "shuffling",
    "reproducibility",
    "generators",
    "sampling",
    "torch_samplers",
    "batch_sampling",
    "shortcuts",
    "collation",
    "default_collation",
    "structured_samples",
    "padding",
    "offered_padding",
    "signature",
    "arguments",
    "worker_arguments",
    "precedence",
    "courtesy",
    "workers",
    "worker_identity",
    "worker_init",
    "worker_copies",
    "parallel_batches",
    "parallel_epochs",
    "delivery_order",
    "laziness",
    "streams",
    "stream_arguments",
    "stream_shares",
    "stream_copies",
    "lifetime",
    "leaks",
    "failures",
    "faulty_parts",
    "deaths",
    "interruptions",
    "scenarios_d1",
    "scenarios_d2",
    "scenarios_workers",
)
