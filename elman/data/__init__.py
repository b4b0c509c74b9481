"""Labelled strings: where they come from, how they are split, and how they are batched. Knows no model."""
