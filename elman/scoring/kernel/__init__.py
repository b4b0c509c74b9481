"""Kernel: the C code that scores, how it is compiled and loaded, and which kernel runs."""
