"""The loaders that come with an adapter: one file each, named as the loader is.

A file `name.py` here defines `adapter()`, which returns the adapter of the loader `name`. It is
imported only where that loader is asked for, so that a missing library harms nobody else. What
several of them share is in a file whose name begins with an underscore.
"""
