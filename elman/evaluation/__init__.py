"""Evaluation: metrics, calibration, scores beside those of a baseline, reports and pictures."""
