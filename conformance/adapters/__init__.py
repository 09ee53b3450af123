"""The loaders that come with an adapter: one file each, named as the loader is.

A file `name.py` here defines `adapter()`, which returns the adapter of the loader `name`; the
library is imported inside, so that a missing one harms nobody else.
"""
