"""Which arguments rule each other out, and which of them prevails.

D1 says both that such arguments cannot be given together and that the lower-ranking one is ignored
(D1 sampler, D1 batch_sampler); torch raises. Here `on_conflict` chooses between the two readings.
"""

from dataclasses import replace

from reference_loader.arguments import Options, is_int, shown
from reference_loader.fetching import is_stream


def on_conflict_is_known(given: Options) -> Options:
    """Let through the two known readings."""
    if given.on_conflict not in ("raise", "ignore"):
        raise ValueError(
            f"on_conflict must be 'raise' or 'ignore', got {shown(given.on_conflict)}; "
            "use 'ignore' to have the lower-ranking of exclusive arguments ignored"
        )
    return given


def stream_excludes_orders(given: Options) -> Options:
    """Refuse an order for a stream; `on_conflict` has no say, as none of the two could prevail."""
    if not is_stream(given.dataset):
        return given
    for name, value, default in (
        ("shuffle", given.shuffle, given.shuffle in (None, False)),
        ("sampler", given.sampler, given.sampler is None),
        ("batch_sampler", given.batch_sampler, given.batch_sampler is None),
    ):
        if not default:
            raise ValueError(
                f"an IterableDataset has its own order, got {name}={shown(value)}; "
                "leave it out and let the dataset decide"
            )
    return given


def sampler_excludes_shuffle(given: Options) -> Options:
    """Let a sampler prevail over `shuffle=True`."""
    # With a batch_sampler both are out of place, and the next check says so of all at once.
    if given.sampler is None or not given.shuffle or given.batch_sampler is not None:
        return given
    if given.on_conflict == "ignore":
        return replace(given, shuffle=False)
    raise ValueError(
        f"sampler decides the order, got shuffle={shown(given.shuffle)} beside it; "
        "leave out one of them or use on_conflict='ignore' to have shuffle ignored"
    )


def batch_sampler_excludes_the_rest(given: Options) -> Options:
    """Let a batch sampler prevail over batch_size, shuffle, sampler and drop_last."""
    if given.batch_sampler is None:
        return given
    lower = {
        "batch_size": not is_int(given.batch_size) or given.batch_size != 1,
        "shuffle": bool(given.shuffle),
        "sampler": given.sampler is not None,
        "drop_last": bool(given.drop_last),
    }
    if any(lower.values()) and given.on_conflict == "raise":
        found = [
            f"{name}={shown(getattr(given, name))}" for name, is_set in lower.items() if is_set
        ]
        raise ValueError(
            f"batch_sampler decides each batch, got {', '.join(found)} beside it; "
            "leave out one side or use on_conflict='ignore' to have batch_sampler alone decide"
        )
    return replace(given, batch_size=None, shuffle=False, sampler=None, drop_last=False)


def no_batches_exclude_drop_last(given: Options) -> Options:
    """Let `batch_size=None` prevail over `drop_last=True`."""
    if given.batch_sampler is not None or given.batch_size is not None or not given.drop_last:
        return given
    if given.on_conflict == "ignore":
        return replace(given, drop_last=False)
    raise ValueError(
        f"batch_size=None leaves no last batch to drop, got drop_last={shown(given.drop_last)}; "
        "leave out drop_last, give a batch_size, or use on_conflict='ignore'"
    )
