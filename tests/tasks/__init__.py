"""Tests of `elman.tasks`; a package, for other folders too may test what they call images or labels."""
