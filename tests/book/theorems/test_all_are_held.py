"""No statement without a test, and no test of a statement that is gone."""

from tests.book.theorems import report


def test_each_statement_has_a_test_by_other_code():
    named = report.tests()
    stated = report.statements().items()
    assert not [f"{chapter}: {label}" for label, (chapter, _) in stated if label not in named]


def test_each_test_names_a_statement_of_the_book():
    assert not set(report.tests()) - set(report.statements())
