"""How far an event has come, as a pure function of what both halves say."""

from livefeed.durable.entries import Entry
from livefeed.portal.feed.versions import Version
from livefeed.portal.web.scene.queue import Delivery, Edit
from livefeed.portal.web.scene.stage import Account, Arrival, Content, Heard, Judgement, Step
from livefeed.portal.web.scene.way import Way, way_of

SAVED_MS = 1_000_000
EVENT = Entry(3, "m", "post:1", "ONLIVEFEEDPOSTUPDATE", b"{}", SAVED_MS, "web")
VERSION = Version(
    version=2,
    editor=None,
    source="web",
    written_at=SAVED_MS,
    title="",
    text="",
    audience=("UA",),
    is_important=False,
    important_until=None,
    tags=(),
    files=(),
    background_code="",
)
NOTHING = Content(title="", text="")


def edit(state: str) -> Edit:
    return Edit(event=EVENT, version=VERSION, delivery=Delivery(handler=None, state=state))


def arrived(state: str, *steps: str) -> Arrival:
    told = [Step(name=name, at_ms=SAVED_MS + 20) for name in ("received", "verified", *steps)]
    return Arrival(seq=7, at_ms=SAVED_MS + 10, state=state, steps=told, due_at_ms=None)


def judged(*heard: Heard, seq: int = 7) -> Judgement:
    return Judgement(seq=seq, events=1, silence="", old=NOTHING, new=NOTHING, heard=heard)


def told(state: str, settled_at_ms: int | None) -> Heard:
    return Heard(
        person=2,
        is_told=True,
        reason="author",
        why="",
        state=state,
        calls=1,
        settled_at_ms=settled_at_ms,
    )


def states(way: Way) -> list[str]:
    return [leg.state for leg in way.legs]


def test_without_an_edit_everything_is_idle_and_still():
    way = way_of(None, Account(), "running")
    assert states(way) == ["idle"] * 5
    assert not way.is_moving


def test_an_event_that_waits_for_quiet_is_under_way():
    way = way_of(edit("delivered"), Account(arrival=arrived("waiting")), "running")
    assert states(way) == ["done", "done", "now", "idle", "idle"]
    assert way.legs[2].took_ms == 10
    assert way.is_moving


def test_an_event_stored_by_a_process_that_was_killed_is_held():
    way = way_of(edit("delivered"), Account(arrival=arrived("leased")), "killed")
    assert states(way) == ["done", "done", "held", "idle", "idle"]


def test_notices_that_a_killed_process_has_planned_are_held_and_then_told():
    arrival = arrived("done", "fetched", "compared", "told")
    planned = Account(arrival=arrival, judgement=judged(told("planned", None)))
    assert states(way_of(edit("delivered"), planned, "killed"))[3:] == ["done", "held"]
    sent = Account(arrival=arrival, judgement=judged(told("sent", SAVED_MS + 50)))
    way = way_of(edit("delivered"), sent, "running")
    assert (way.legs[4].state, way.legs[4].took_ms) == ("done", 50)
    assert not way.is_moving


def test_a_decision_about_an_earlier_event_says_nothing_of_this_one():
    account = Account(arrival=arrived("waiting"), judgement=judged(seq=6))
    assert way_of(edit("delivered"), account, "running").judgement is None


def test_what_is_given_up_has_failed():
    assert states(way_of(edit("dead"), Account(), "running"))[1] == "failed"
    assert states(way_of(edit("delivered"), Account(arrival=arrived("dead")), "running"))[2] == "failed"
