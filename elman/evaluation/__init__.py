"""Evaluation: metrics, calibration, scores beside a baseline, and plots."""
