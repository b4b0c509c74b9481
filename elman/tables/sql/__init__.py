"""Databases: queries that can only read, as tables."""
