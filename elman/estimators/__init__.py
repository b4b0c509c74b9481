"""Estimators: short strings as scikit-learn's estimators take them, trained in memory."""
