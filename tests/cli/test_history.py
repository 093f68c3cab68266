"""`check-history` finds what was lost, repeated and reordered, and nothing else."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.cli.history import Line, Verdict, judge, read_history
from livefeed.errors import SettingsError


def acked(seq: int, *, post: int = 205, at_ms: int = 0) -> Line:
    return Line(kind="acked", portal="p", post=post, seq=seq, at_ms=at_ms or seq, id=None)


def received(seq: int | None, *, post: int = 205, at_ms: int, name: str | None = None) -> Line:
    return Line(kind="received", portal="p", post=post, seq=seq, at_ms=at_ms, id=name or f"m{seq}")


def effect(seq: int, *, post: int = 205, at_ms: int, name: str = "n1") -> Line:
    return Line(kind="effect", portal="p", post=post, seq=seq, at_ms=at_ms, id=name)


def test_a_complete_history_has_no_findings():
    history = [acked(1), acked(2), received(1, at_ms=10), received(2, at_ms=11), effect(2, at_ms=12)]

    assert Verdict(acked=2, lost=0, repeated=0, reordered=0) == judge(history)


def test_a_change_never_received_is_lost():
    assert judge([acked(1), acked(2), received(1, at_ms=10)]).lost == 1


def test_a_change_without_any_observation_is_lost():
    assert judge([acked(1)]).lost == 1


def test_an_effect_covers_the_changes_before_it():
    assert judge([acked(1), acked(2), acked(3), effect(2, at_ms=9)]).lost == 1


def test_a_received_change_without_its_effect_is_lost_when_effects_are_recorded():
    history = [
        acked(1),
        acked(1, post=7),
        received(1, at_ms=4),
        received(1, post=7, at_ms=5),
        effect(1, at_ms=9),
    ]

    assert judge(history).lost == 1


def test_a_recorder_without_numbers_is_held_to_the_count():
    assert (
        judge([acked(1), acked(2), received(None, at_ms=5, name="a"), received(None, at_ms=6, name="a")]).lost
        == 1
    )


def test_the_same_id_twice_is_a_repeat_and_not_a_reordering():
    history = [acked(1), acked(2), received(1, at_ms=5), received(1, at_ms=6), received(2, at_ms=7)]

    assert Verdict(acked=2, lost=0, repeated=1, reordered=0) == judge(history)


def test_a_repeat_after_a_later_change_is_a_reordering_too():
    history = [acked(1), acked(2), received(1, at_ms=5), received(2, at_ms=6), received(1, at_ms=7)]

    assert Verdict(acked=2, lost=0, repeated=1, reordered=1) == judge(history)


def test_an_earlier_change_after_a_later_one_is_reordered():
    assert judge([acked(1), acked(2), received(2, at_ms=5), received(1, at_ms=6)]).reordered == 1


def test_posts_are_judged_apart():
    history = [acked(1), acked(1, post=7), received(1, at_ms=5), received(1, post=7, at_ms=4)]

    assert Verdict(acked=2, lost=0, repeated=0, reordered=0) == judge(history)


@given(st.integers(1, 30), st.randoms(use_true_random=False), st.data())
def test_exactly_the_dropped_changes_are_reported(count: int, dice: random.Random, data: st.DataObject):
    dropped = data.draw(st.sets(st.integers(1, count)))
    history = [acked(seq) for seq in range(1, count + 1)]
    history += [received(seq, at_ms=100 + seq) for seq in range(1, count + 1) if seq not in dropped]
    dice.shuffle(history)

    verdict = judge(history)

    assert verdict.lost == len(dropped)
    assert verdict.reordered == 0


def test_a_line_of_another_form_is_named(tmp_path: Path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"kind":"acked","portal":"p","post":1,"at_ms":1}\n{"kind":"seen"}\n')

    with pytest.raises(SettingsError, match=r"history\.jsonl:2"):
        read_history(path)


def test_any_program_may_write_its_numbers_as_it_does(tmp_path: Path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"kind":"acked","portal":"p","post":"205","seq":"1","at_ms":1743000379000.25,"id":7}\r\n'
        b'{"kind":"received","portal":"p","post":205,"seq":1,"at_ms":"1743000379001","id":"m1"}\r\n'
    )

    assert Verdict(acked=1, lost=0, repeated=0, reordered=0) == judge(read_history(path))
