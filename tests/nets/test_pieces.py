"""What the pieces of a step gave is kept until it is taken, and a step that failed leaves nothing behind."""

from nolabel.nets.pieces import Pieces


def test_taken_in_order_and_once():
    pieces: Pieces[str] = Pieces()
    for piece, item in enumerate("abc"):
        pieces.note(item, piece)
    assert len(pieces) == 3
    assert pieces.take() == ["a", "b", "c"]
    assert pieces.take() == []


def test_the_first_piece_forgets_a_step_that_failed():
    pieces: Pieces[str] = Pieces()
    pieces.note("failed", 0)
    pieces.note("failed too", 1)
    pieces.note("a", 0)
    assert pieces.take() == ["a"]
