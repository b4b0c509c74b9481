"""Shares: how a group of names divides into labels. Nothing here answers for a single name."""
