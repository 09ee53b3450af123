"""A module that cannot be imported."""

raise ImportError("the extension was built for another Python")
