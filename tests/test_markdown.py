from sohem.markdown import cell, one_line


def test_a_cell_stays_one_cell():
    assert cell("a|b") == r"a\|b"
    assert cell("two\nlines\r\nof text\n") == "two lines of text"
    assert cell(r"\d is a digit") == r"\d is a digit"
    assert cell(r"a\|b") == r"a\\\|b"  # a backslash, then a |: both are seen
    assert cell(7) == "7"


def test_every_line_break_goes():
    assert one_line("a\nb\r\nc\x0bd\x0ce\x85f\u2028g\u2029h") == "a b c d e f g h"
    assert one_line("  a  b ") == "  a  b "
