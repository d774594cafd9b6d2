"""Submissions that try to break the grader, or to be paid for nothing."""
