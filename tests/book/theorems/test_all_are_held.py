"""No statement without a test, and no test of a statement that is gone."""

from tests.book.theorems import report

# Chapters whose statements have no tests of their own yet.
WAITING = {"ch02_gradient_descent", "ch09_adam", "ch13_hardware"}


def test_each_statement_has_a_test_by_other_code():
    named = report.tests()
    bare = [
        f"{chapter}: {label}"
        for label, (chapter, _) in report.statements().items()
        if label not in named and chapter not in WAITING
    ]
    assert not bare


def test_each_test_names_a_statement_of_the_book():
    assert not set(report.tests()) - set(report.statements())


def test_no_chapter_waits_that_is_done_or_gone():
    named = report.tests()
    bare = {chapter for label, (chapter, _) in report.statements().items() if label not in named}
    assert bare >= WAITING
