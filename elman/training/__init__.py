"""Training: configuration, network, loop, run folder, and one task for each kind of answer."""
