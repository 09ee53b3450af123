"""A module whose import never ends."""

from tests.miniatures import hang_here

hang_here()
