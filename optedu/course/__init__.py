r"""What runs the course around the package: released notebooks, the students' copy."""
