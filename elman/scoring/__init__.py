"""Scoring: symbol ids to logits, with numpy."""
