"""A data loader to read, and to use in the place of `torch.utils.data.DataLoader`.

The package shows that the promises of PyTorch's loader can be kept by little code: `loader.py` is
the whole pipeline, and every other module is one step of it. It depends on torch and numpy alone.
"""

from reference_loader.collation import default_collate, default_convert
from reference_loader.loader import DataLoader
from reference_loader.padding import PadCollate, pad_collate

__all__ = ["DataLoader", "PadCollate", "default_collate", "default_convert", "pad_collate"]
