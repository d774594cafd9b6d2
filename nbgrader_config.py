"""nbgrader: one notebook source per assignment in solutions/, released into exercises/.

Everything of a class that is being graded lies under course/, which git ignores.
"""

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "optedu"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "course/submitted"
c.CourseDirectory.autograded_directory = "course/autograded"
c.CourseDirectory.feedback_directory = "course/feedback"
c.CourseDirectory.db_url = "sqlite:///course/gradebook.db"
# nbgrader copies every file of an assignment's folder into the release: keep ours out of it.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "*.py",
    "*.md",
]

# Released notebooks start with a cell that installs the package, and run on past a failed cell:
# the first of these. The others are nbgrader's own, in its order.
c.GenerateAssignment.preprocessors = [
    "optedu.course.prepare.Prepare",
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.InstantiateTests",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"

c.ExecutePreprocessor.timeout = 120
c.ExecutePreprocessor.startup_timeout = 60
# Each kernel would warn that its ports, open to this machine only, are not encrypted.
c.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]

# Feedback shows which tests failed and their messages, and no hidden test.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "optedu.grading.feedback.HideTests",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# The formgrader shows the model solution below each answer; feedback does not. In both a browser
# sets the formulas by itself, without a network.
c.HTMLExporter.preprocessors = [
    "optedu.grading.model.ShowModel",
    "optedu.grading.formulas.SetFormulas",
]
