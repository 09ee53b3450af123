"""The rows of Hugging Face datasets: named columns, made of samples of any shape."""

from typing import Any


def row(sample: Any) -> dict[str, Any]:
    """Return a sample as named columns."""
    if isinstance(sample, dict):
        return sample
    if isinstance(sample, tuple):
        return {f"place {place}": field for place, field in enumerate(sample)}
    return {"sample": sample}


def unnamed(batch: dict[str, Any]) -> Any:
    """Return a batch without the names that a row was given."""
    if set(batch) == {"sample"}:
        return batch["sample"]
    return list(batch.values()) if "place 0" in batch else batch
