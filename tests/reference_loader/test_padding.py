"""Padded batches: shapes, lengths, masks and what is refused."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from reference_loader import DataLoader, PadCollate, pad_collate


def test_sequences_are_sorted_padded_and_measured() -> None:
    samples = [torch.full((length, 2), float(length)) for length in (3, 5, 2)]
    padded, lengths = pad_collate(samples)
    assert padded.shape == (3, 5, 2)
    assert lengths.tolist() == [5, 3, 2]
    assert lengths.dtype == torch.int64
    assert padded[:, :, 0].tolist() == [[5.0] * 5, [3.0] * 3 + [0.0] * 2, [2.0] * 2 + [0.0] * 3]
    assert [len(sample) for sample in samples] == [3, 5, 2]


def test_equally_long_sequences_keep_their_order() -> None:
    padded, lengths = pad_collate([[1], [2, 2], [3], [4, 4]])
    assert padded.tolist() == [[2, 2], [4, 4], [1, 0], [3, 0]]
    assert lengths.tolist() == [2, 2, 1, 1]


def test_unsorted_sequences_keep_their_order() -> None:
    padded, lengths = PadCollate(sort=False, padding_value=-1)([[1], [2, 3, 4], []])
    assert padded.tolist() == [[1, -1, -1], [2, 3, 4], [-1, -1, -1]]
    assert padded.dtype == torch.int64
    assert lengths.tolist() == [1, 3, 0]


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_mask_is_true_where_there_is_data(batch_first: bool) -> None:
    padded, mask = PadCollate(batch_first, returns="mask")([[7], [7, 7, 7]])
    expected = torch.tensor([[True, True, True], [True, False, False]])
    assert mask.equal(expected if batch_first else expected.T)
    assert mask.equal(padded == 7)


def test_the_batch_dimension_can_come_second() -> None:
    padded, _ = PadCollate(batch_first=False)([torch.ones(2, 4), torch.ones(3, 4)])
    assert padded.shape == (3, 2, 4)


def test_the_result_can_be_packed() -> None:
    padded, lengths = pad_collate([torch.ones(2, 4), torch.ones(3, 4)])
    assert pack_padded_sequence(padded, lengths, batch_first=True).data.shape == (5, 4)


def test_a_loader_pads_with_it() -> None:
    loader: DataLoader[Any] = DataLoader([[1], [2, 2], [3]], batch_size=2, collate_fn=pad_collate)
    assert [(padded.tolist(), lengths.tolist()) for padded, lengths in loader] == [
        ([[2, 2], [1, 0]], [2, 1]),
        ([[3]], [1]),
    ]


def test_it_is_a_value_that_pickles_and_copies() -> None:
    collate = PadCollate(padding_value=-1.0, returns="mask")
    assert pickle.loads(pickle.dumps(collate)) == collate
    assert copy.deepcopy(collate) == collate


@pytest.mark.parametrize(
    ("samples", "kind", "text"),
    [
        ([], ValueError, "a batch must hold at least 1 sample, got 0; leave out empty batches"),
        (
            [[1], 2],
            ValueError,
            "samples must have a length to be padded, got a scalar as sample 1; "
            "use default_collate for numbers",
        ),
        (
            [torch.ones(3, 2), torch.ones(3, 4)],
            ValueError,
            "samples may differ in their first dimension only, "
            "got shapes (3, 2) (sample 0) and (3, 4) (sample 1); make the other dimensions equal",
        ),
        (
            [[1], [2.5]],
            TypeError,
            "samples must have one dtype, got torch.int64, torch.float32; "
            "convert them in the dataset",
        ),
    ],
    ids=["empty", "scalar", "features", "dtypes"],
)
def test_samples_that_cannot_be_padded_are_refused_in_words(
    samples: list[Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        pad_collate(samples)
    assert str(caught.value) == text


@pytest.mark.parametrize("value", [0.5, float("inf"), float("nan")])
def test_a_padding_value_that_the_samples_cannot_hold_is_refused_in_words(value: float) -> None:
    with pytest.raises(ValueError, match="padding_value") as caught:
        PadCollate(padding_value=value)([[1], [2, 3]])
    assert str(caught.value) == (
        f"padding_value must be whole for samples of torch.int64, got {value}; "
        "use a whole number or samples of a floating point dtype"
    )


def test_an_unknown_wish_is_refused_in_words() -> None:
    wish: Any = "both"
    with pytest.raises(ValueError, match="returns") as caught:
        PadCollate(returns=wish)
    assert str(caught.value) == (
        "returns must be 'lengths' or 'mask', got 'both'; "
        "use returns='lengths' for what pack_padded_sequence takes"
    )
