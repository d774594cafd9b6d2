r"""What runs the course around the package: generated tables, released notebooks, sample class."""
