"""Annotation: tables with answers beside each row, on one machine or on a cluster."""
