import threading

import pytest

from alpha.core import parallel


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_what_pieces_make_comes_in_their_order(monkeypatch, cores):
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    assert parallel.each(lambda piece: piece * 10, range(25)) == [10 * at for at in range(25)]


@pytest.mark.parametrize("cores", [1, 3])
def test_the_first_piece_that_fails_is_what_is_raised(monkeypatch, cores):
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    with pytest.raises(ZeroDivisionError, match="4"):
        parallel.each(_fails_from_four, range(9))


def _fails_from_four(piece: int) -> int:
    if piece >= 4:
        raise ZeroDivisionError(str(piece))
    return piece


@pytest.mark.parametrize(("rows", "sizes"), [(0, []), (3, [3]), (8, [4, 4]), (9, [4, 4, 1])])
def test_a_cut_is_of_consecutive_ranges_that_hold_every_row_once(rows, sizes):
    pieces = parallel.cut(rows, 4)
    assert [len(piece) for piece in pieces] == sizes
    assert [row for piece in pieces for row in piece] == list(range(rows))


def test_the_next_piece_is_made_while_one_is_worked_on():
    made = [threading.Event() for _ in range(4)]

    def source():
        for number, event in enumerate(made):
            event.set()
            yield number

    for piece in parallel.ahead(source()):
        if piece + 1 < len(made):
            assert made[piece + 1].wait(timeout=30)


def test_what_a_source_raises_reaches_whoever_reads():
    def source():
        yield 1
        raise ValueError("broken")

    found = parallel.ahead(source())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)
