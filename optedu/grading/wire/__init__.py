"""Data, and nothing but data, between the student's kernel and the kernel with the checks."""
