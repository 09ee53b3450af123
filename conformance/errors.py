"""Wrong use of the harness: one line that says what is wrong and what to do."""


class UsageError(Exception):
    """What was asked of the harness cannot be done; the text holds the remedy."""
