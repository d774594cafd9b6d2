"""The front desk: a course from its first release to its last grade, thin over nbgrader."""
