r"""What the interactive figures are made of: the printed module, the configurations, the stills."""
