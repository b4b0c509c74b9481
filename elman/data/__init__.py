"""Data: examples from files and named sets, splits, augmentation and batches. This package knows no model."""
