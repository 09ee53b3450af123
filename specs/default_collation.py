"""The batch without a `collate_fn`, leaf by leaf: which kind of sample becomes what.

What the documents call "numbers and tensors into one tensor" is a table of kinds; beyond it come
what must not be lost on the way and what has no meaning as a tensor.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from conformance import (
    Honest,
    LoaderRequest,
    Samples,
    Subject,
    cut,
    epoch,
    given,
    requirement,
    typed,
)

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
ISSUES = "https://github.com/pytorch/pytorch/issues"


batch_sizes = st.integers(1, 5)
numbers = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=1, max_size=8),
)
texts = st.text("a é나", max_size=3)


def answer_to(subject: Subject, samples: list[Any]) -> Any:
    """Return the batches of two that a loader makes of samples, or the error's name."""
    try:
        with subject.open(Samples(samples), batch_size=2) as loader:
            return epoch(loader)
    except (TypeError, ValueError, RuntimeError) as error:
        return next(
            kind.__name__
            for kind in (TypeError, ValueError, RuntimeError)
            if isinstance(error, kind)
        )


@requirement(claims=["D1-027", "D2-027", "D2-041"], evidence=[TORCH_DATA, f"{ISSUES}/14507"])
@given(samples=numbers, batch_size=batch_sizes)
def numbers_become_one_tensor(subject: Subject, samples: list[Any], batch_size: int) -> None:
    """Without a collate_fn a loader MUST make int64, float64 and bool tensors of Python's numbers.

    These dtypes hold the numbers unchanged. A narrower one rounds them or wraps them around, and
    bools as ints select rows where they should mask them.
    """
    with subject.open(Samples(samples), batch_size=batch_size) as loader:
        delivered = [typed(batch) for batch in loader]
    dtype = {int: "torch.int64", float: "torch.float64", bool: "torch.bool"}[type(samples[0])]
    assert delivered == [(dtype, group) for group in cut(samples, batch_size)]


@numbers_become_one_tensor.mutant
def makes_float32_of_floats(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.float() if batch.is_floating_point() else batch for batch in batches)


@numbers_become_one_tensor.mutant
def makes_int64_of_bools(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.long() if batch.dtype is torch.bool else batch for batch in batches)


@numbers_become_one_tensor.mutant_loader
def goes_through_floats(request: LoaderRequest, honest: Honest) -> Any:
    kinds = {int: torch.int64, float: torch.float64, bool: torch.bool}
    return honest(
        request.but(collate_fn=lambda s: torch.tensor([float(x) for x in s]).to(kinds[type(s[0])]))
    )


@requirement(evidence=[f"{ISSUES}/{number}" for number in (1113, 31689, 69446)])
@given(default=st.sampled_from(["float16", "float32", "float64"]))
def floats_do_not_depend_on_the_default_dtype(subject: Subject, default: str) -> None:
    """Without a collate_fn a loader MUST make float64 of floats whatever torch's default dtype is.

    Python's floats have 64 bits. A batch that follows a global setting would lose digits, and
    change with whichever library set it last; users cast in the training step.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, default))
    try:
        with subject.open(Samples([0.1, 1e300]), batch_size=2) as loader:
            delivered = [typed(batch) for batch in loader]
    finally:
        torch.set_default_dtype(usual)
    assert delivered == [("torch.float64", [0.1, 1e300])]


@floats_do_not_depend_on_the_default_dtype.mutant
def takes_the_default_dtype(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.to(torch.get_default_dtype()) for batch in batches)


@floats_do_not_depend_on_the_default_dtype.mutant
def takes_a_smaller_default_dtype(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    half = torch.get_default_dtype() is torch.float16
    return (batch.half() if half else batch for batch in batches)


@requirement(claims=["D1-027", "D2-027", "D2-038"])
@given(
    dtype=st.sampled_from(["bool", "uint8", "int32", "int64", "bfloat16", "float32", "complex64"]),
    shape=st.lists(st.integers(1, 3), max_size=3),
    size=st.integers(0, 6),
    batch_size=batch_sizes,
)
def tensors_are_stacked(
    subject: Subject, dtype: str, shape: list[int], size: int, batch_size: int
) -> None:
    """Without a collate_fn a loader MUST stack tensors along a new first dimension, dtype kept.

    The first dimension is the batch to every layer and loss; joined end to end, stacked last or
    cast, the samples still make a tensor that trains, on mixed up data.
    """
    rows = torch.arange(size * math.prod(shape)).reshape(size, *shape)
    samples = list(rows.to(getattr(torch, dtype)))
    with subject.open(Samples(samples), batch_size=batch_size) as loader:
        delivered = [typed(batch) for batch in loader]
    assert delivered == [
        (f"torch.{dtype}", [sample.tolist() for sample in group])
        for group in cut(samples, batch_size)
    ]


@tensors_are_stacked.mutant
def joins_them_end_to_end(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.flatten(0, 1) if batch.dim() > 1 else batch for batch in batches)


@tensors_are_stacked.mutant
def stacks_them_last(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.movedim(0, -1) for batch in batches)


@tensors_are_stacked.mutant
def squeezes_a_batch_of_one(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.squeeze(0) for batch in batches)


@tensors_are_stacked.mutant
def widens_small_ints(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.int() if batch.dtype is torch.uint8 else batch for batch in batches)


@requirement(claims=["D1-027", "D2-027", "D2-041"], evidence=[TORCH_DATA, f"{ISSUES}/1113"])
@given(
    dtype=st.sampled_from(["bool", "uint8", "int16", "int64", "float16", "float32", "float64"]),
    scalar=st.booleans(),
)
def numpy_becomes_a_tensor_of_its_dtype(subject: Subject, dtype: str, scalar: bool) -> None:
    """Without a collate_fn a loader MUST make one tensor of numpy's arrays or numbers, dtype kept.

    Datasets that decode files return numpy; a collate_fn is not needed for that (D2, second §1, put
    right), and float32 that comes as float64 does not fit the weights.
    """
    rows = np.arange(6).reshape(3, 2).astype(dtype)
    samples = list(rows[:, 1]) if scalar else list(rows)
    with subject.open(Samples(samples), batch_size=2) as loader:
        delivered = [typed(batch) for batch in loader]
    content = [sample.tolist() for sample in samples]
    assert delivered == [(f"torch.{dtype}", content[:2]), (f"torch.{dtype}", content[2:])]


@numpy_becomes_a_tensor_of_its_dtype.mutant
def makes_float64_of_floats(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.double() if batch.is_floating_point() else batch for batch in batches)


@numpy_becomes_a_tensor_of_its_dtype.mutant
def leaves_arrays_to_numpy(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.numpy() if batch.dim() > 1 else batch for batch in batches)


@numpy_becomes_a_tensor_of_its_dtype.mutant_loader
def goes_through_python_numbers(request: LoaderRequest, honest: Honest) -> Any:
    return honest(
        request.but(collate_fn=lambda samples: torch.tensor([s.tolist() for s in samples]))
    )


@requirement(evidence=[TORCH_DATA])
@given(
    samples=st.lists(
        st.one_of(st.integers(-9, 9), st.integers(-9, 9).map(lambda n: n / 2), st.booleans()),
        min_size=2,
        max_size=5,
    )
)
def numbers_of_several_kinds_keep_their_value(subject: Subject, samples: list[Any]) -> None:
    """Without a collate_fn a loader MUST NOT change numbers where ints and floats share a batch.

    A list of prices like 3 and 2.5 is ordinary; a loader that goes by the first sample alone cuts
    the half off in some batches, and which ones depends on the shuffle.
    """
    with subject.open(Samples(samples), batch_size=5) as loader:
        delivered = epoch(loader)
    assert delivered == [samples]


@numbers_of_several_kinds_keep_their_value.mutant_loader
def goes_by_the_first(request: LoaderRequest, honest: Honest) -> Any:
    return honest(
        request.but(collate_fn=lambda samples: torch.tensor([type(samples[0])(s) for s in samples]))
    )


@numbers_of_several_kinds_keep_their_value.mutant
def cuts_off_halves(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch.long() for batch in batches)


@requirement(claims=["D2-041"], evidence=[TORCH_DATA, f"{ISSUES}/99227"])
@given(
    words=st.one_of(
        st.lists(texts, min_size=1, max_size=4),
        st.lists(st.binary(max_size=3), min_size=1, max_size=4),
    )
)
def text_and_bytes_stay_what_they_are(subject: Subject, words: list[Any]) -> None:
    """Without a collate_fn a loader MUST leave text and bytes alone, one for each sample.

    File names and captions go beside the tensors. Bytes taken for sequences of numbers fall to
    pieces: one tensor for each place in them.
    """
    with subject.open(Samples(words), batch_size=4) as loader:
        bare = [typed(batch) for batch in loader]
    with subject.open(Samples([{"a": word} for word in words]), batch_size=4) as loader:
        inside = [typed(batch) for batch in loader]
    assert (bare, inside) == ([words], [{"a": words}])


@text_and_bytes_stay_what_they_are.mutant
def takes_bytes_for_numbers(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        is_bytes = isinstance(batch, list) and all(isinstance(word, bytes) for word in batch)
        yield [torch.tensor(list(word)) for word in batch] if is_bytes else batch


@text_and_bytes_stay_what_they_are.mutant
def keeps_one_of_equal_texts(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (list(dict.fromkeys(b)) if isinstance(b, list | tuple) else b for b in batches)


@text_and_bytes_stay_what_they_are.mutant
def decodes_bytes(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        is_bytes = isinstance(batch, list) and all(isinstance(word, bytes) for word in batch)
        yield [word.decode("latin-1") for word in batch] if is_bytes else batch


@requirement(claims=["D2-041"], evidence=[TORCH_DATA])
def samples_without_a_meaning_as_tensors_are_refused(subject: Subject) -> None:
    """Without a collate_fn a loader MUST raise TypeError for None, sets and plain objects.

    A None is most often a return that was forgotten; passed on it fails far away from the dataset,
    and dropped it makes a short batch that nobody sees.
    """
    accepted = answer_to(subject, [1, 2])
    answers = [answer_to(subject, [sample, sample]) for sample in (None, {1, 2}, object())]
    assert (accepted, answers) == ([[1, 2]], ["TypeError", "TypeError", "TypeError"])


@samples_without_a_meaning_as_tensors_are_refused.mutant_loader
def delivers_the_list_of_them(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(collate_fn=lambda s: torch.tensor(s) if isinstance(s[0], int) else s))


@samples_without_a_meaning_as_tensors_are_refused.mutant_loader
def leaves_out_none(request: LoaderRequest, honest: Honest) -> Any:
    samples = [sample for sample in request.dataset.samples if sample is not None]
    return honest(request.but(dataset=Samples(samples)))


@samples_without_a_meaning_as_tensors_are_refused.mutant_loader
def takes_a_set_for_a_sequence(request: LoaderRequest, honest: Honest) -> Any:
    listed = [list(s) if isinstance(s, set) else s for s in request.dataset.samples]
    return honest(request.but(dataset=Samples(listed)))


@requirement(evidence=[TORCH_DATA])
def masks_of_arrays_are_not_lost(subject: Subject) -> None:
    """Without a collate_fn a loader SHOULD NOT deliver what a masked array hides as data.

    What is hidden there is a fill value or the failed measurement itself; without its mask it
    trains the model, with nothing to show for it.
    """
    arrays = [np.array([1, 2]), np.array([3, 4])]
    hiding = [np.ma.masked_array(array, mask=[False, True]) for array in arrays]
    bare, masked = answer_to(subject, arrays), answer_to(subject, hiding)
    assert bare == [[[1, 2], [3, 4]]]
    assert masked != bare
    subject.observe(f"answers masked arrays with {masked}")


@masks_of_arrays_are_not_lost.mutant_loader
def forgets_the_mask(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Samples([np.asarray(s) for s in request.dataset.samples])))
