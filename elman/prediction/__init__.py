"""Prediction: names to predictions, from one model file."""
