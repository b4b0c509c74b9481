"""Text: from a string to symbol ids."""
