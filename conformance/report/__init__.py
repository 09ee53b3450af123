"""Reports: a run writes JSON lines, and every other format is a function of them."""
