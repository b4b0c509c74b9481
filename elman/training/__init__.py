"""Training: configuration, network, loop, runs, comparisons, and one task for each kind of answer."""
