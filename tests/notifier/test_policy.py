from hypothesis import given
from hypothesis import strategies as st

from livefeed.notifier.changes import ChangeClass, Comparison
from livefeed.notifier.participants import Participant, Reason, take_part
from livefeed.notifier.policy import (
    Editors,
    PassedOver,
    Silence,
    Silent,
    Spared,
    Tell,
    Unknown,
    decide,
    passed_over,
)

TEXT = Comparison(classes=frozenset({ChangeClass.TEXT}))
ids = st.integers(1, 6)
people = st.lists(ids, unique=True)


def told(decision):
    return {one.person: (one.reason, one.editors) for one in decision.recipients}


def test_everybody_who_takes_part_is_told_with_his_strongest_reason():
    found = take_part(author=1, mentioned={2, 1}, commenters={2, 3})
    expected = {1: Reason.AUTHOR, 2: Reason.MENTIONED, 3: Reason.COMMENTER}
    assert {one.person: one.reason for one in found} == expected


def test_who_takes_part_and_is_not_told_is_named_with_the_reason():
    everyone = take_part(author=1, mentioned=(), commenters=(2, 3))
    found = passed_over(everyone, frozenset({3}), Editors(people=(1,)))
    assert found == (
        PassedOver(person=1, reason=Reason.AUTHOR, why=Spared.OWN_EDIT),
        PassedOver(person=3, reason=Reason.COMMENTER, why=Spared.DISMISSED),
    )


def test_of_two_editors_nobody_is_passed_over():
    everyone = take_part(author=1, mentioned=(), commenters=(2,))
    assert passed_over(everyone, frozenset(), Editors(people=(1, 2))) == ()


def test_the_editor_is_not_told_of_his_own_edit():
    participants = take_part(author=1, mentioned=(), commenters={2, 3})
    assert set(told(decide(TEXT, participants, Editors(people=(2,))))) == {1, 3}


def test_of_two_editors_each_is_told_of_the_other_alone():
    participants = take_part(author=1, mentioned=(), commenters={2, 3})
    expected = {
        1: (Reason.AUTHOR, Editors(people=(2,))),
        2: (Reason.COMMENTER, Editors(people=(1,))),
        3: (Reason.COMMENTER, Editors(people=(1, 2))),
    }
    assert told(decide(TEXT, participants, Editors(people=(1, 2)))) == expected


def test_an_edit_by_nobody_known_is_told_to_all():
    participants = take_part(author=1, mentioned=(), commenters={2})
    automation = Editors(unknown=Unknown.AUTOMATION)
    expected = {1: (Reason.AUTHOR, automation), 2: (Reason.COMMENTER, automation)}
    assert told(decide(TEXT, participants, automation)) == expected


def test_silence_says_why():
    nobody = take_part(author=1, mentioned=(), commenters=())
    assert decide(TEXT, nobody, Editors(people=(1,))) == Silent(why=Silence.NOBODY)
    assert decide(Comparison(), nobody, Editors(people=(2,))) == Silent(why=Silence.SAME)
    tags = Comparison(classes=frozenset({ChangeClass.TAGS}))
    assert decide(tags, nobody, Editors(people=(2,))) == Silent(why=Silence.QUIET_CLASS)
    cosmetic = Comparison(text="cosmetic")
    assert decide(cosmetic, nobody, Editors(people=(2,))) == Silent(why=Silence.COSMETIC)


@given(ids, people, people, people, st.none() | st.sampled_from(Unknown))
def test_nobody_is_ever_told_of_his_own_edit_alone(author, mentioned, commenters, editors, unknown):
    participants = take_part(author=author, mentioned=mentioned, commenters=commenters)
    unknown = unknown if editors else Unknown.SOMEONE
    decision = decide(TEXT, participants, Editors(people=tuple(sorted(editors)), unknown=unknown))
    if isinstance(decision, Tell):
        for one in decision.recipients:
            assert one.person not in one.editors.people
            assert one.editors
        assert len({one.person for one in decision.recipients}) == len(decision.recipients)
    silent_for = {one.person for one in participants} - set(
        told(decision) if isinstance(decision, Tell) else ()
    )
    assert silent_for <= set(editors)


def test_participants_are_named_once():
    found = take_part(author=1, mentioned=[1, 2, 2], commenters=[2, 1])
    assert found == (
        Participant(person=1, reason=Reason.AUTHOR),
        Participant(person=2, reason=Reason.MENTIONED),
    )
