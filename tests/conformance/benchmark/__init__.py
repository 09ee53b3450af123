"""The tests of the benchmarks: what is counted, timed, judged and kept."""
