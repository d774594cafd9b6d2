"""Isolation of code that nobody trusts: bubblewrap jails, limits, kernels forked warm."""
