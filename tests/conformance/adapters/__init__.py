"""The adapters that come with the harness, each tested where its library is installed."""
