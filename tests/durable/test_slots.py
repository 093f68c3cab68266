"""Slots: who may begin, against a model that counts."""

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes.rows import Lease, LeasedConsumer
from livefeed.durable.outcomes import Done, Down, Outcome
from livefeed.durable.worker.slots import Slots

CONCURRENCY, OPENING, CAP = 6, 2, 3
DOWN = Down(probe_at_ms=1, reason="away")


def lease_of(consumer: int, token: int) -> Lease:
    held_by = LeasedConsumer(ConsumerId(consumer), "m", f"handler {consumer}", None, 1, 0, CAP)
    return Lease(held_by, f"post:{token}", token, token, 1, 0, ())


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 5)), max_size=60))
def test_nobody_is_forgotten_and_no_bound_is_passed(steps: list[tuple[int, bool, int]]) -> None:
    slots = Slots(CONCURRENCY, opening=OPENING)
    ready: deque[Lease] = deque()
    running: list[Lease] = []
    back: list[Lease] = []
    given_up = 0

    def fill() -> None:
        while ready and slots.room() > 0:
            lease = ready.popleft()
            match slots.enter(lease):
                case "run":
                    running.append(lease)
                case "back":
                    back.append(lease)
                case "later":
                    pass

    for token, (consumer, is_new, place) in enumerate(steps, start=1):
        if is_new or not running:
            slots.newest = token
            ready.append(lease_of(consumer, token))
            given_up += 1
        else:
            lease = running.pop(place % len(running))
            outcome: Outcome = DOWN if place == 5 else Done()
            following = slots.follow(lease, outcome, slots.tick)
            if following is None:
                ready.extendleft(slots.leave(lease, outcome, slots.tick))
            else:
                assert following.consumer == lease.consumer
                running.append(following)
            given_up -= 1
        fill()
        of_each = Counter(one.consumer.id for one in running)
        assert slots.running == len(running) <= CONCURRENCY
        assert all(count <= CAP for count in of_each.values())
        assert len(running) + len(ready) + slots.parked + len(back) == given_up
        if not back:  # with all of them up, who waits does so for a reason
            assert not slots.parked or any(count >= OPENING for count in of_each.values())


def test_a_consumer_that_answers_gets_to_its_cap_and_stays_there() -> None:
    slots = Slots(CONCURRENCY, opening=1)
    leases = deque(lease_of(1, token) for token in range(1, 40))
    slots.newest = 39
    running: list[Lease] = []
    most: list[int] = []
    ready = leases
    while ready or running:
        while ready and slots.room() > 0:
            lease = ready.popleft()
            if slots.enter(lease) == "run":
                running.append(lease)
        most.append(len(running))
        lease = running.pop(0)
        following = slots.follow(lease, Done(), slots.tick)
        if following is None:
            ready.extendleft(slots.leave(lease, Done(), slots.tick))
        else:
            running.append(following)

    assert most[0] == 1
    assert max(most) == CAP
    assert set(most[most.index(CAP) : -CAP]) == {CAP}
    assert slots.running == slots.parked == 0


def begun(slots: Slots, consumer: int, tokens: range) -> list[Lease]:
    slots.newest = tokens[-1]
    leases = [lease_of(consumer, token) for token in tokens]
    return [lease for lease in leases if slots.enter(lease) == "run"]


def test_a_consumer_that_has_answered_begins_up_to_its_cap_and_after_it_was_down_with_few_again() -> None:
    slots = Slots(CONCURRENCY, opening=1)
    assert len(first := begun(slots, 1, range(1, 2))) == 1
    assert slots.leave(first[0], Done(), slots.tick) == []
    again = begun(slots, 1, range(2, 2 + CAP))
    assert len(again) == CAP
    for lease in again:
        slots.leave(lease, DOWN, slots.tick)

    [probe] = begun(slots, 1, range(9, 10))
    assert slots.leave(probe, Done(), slots.tick) == []
    assert len(begun(slots, 1, range(10, 10 + CAP))) == CAP, "the probe has been answered"
    assert len(begun(slots, 2, range(20, 20 + CAP))) == 1, "it has not answered yet"
