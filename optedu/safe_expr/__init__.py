r"""Expressions from text that is never run: the reader, and the list of functions that it knows."""
