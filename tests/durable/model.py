"""What the clockwork promises, written down a second time, as plainly as possible."""

from dataclasses import dataclass, field

from livefeed.durable.lanes import Lease

LEASE_MS = 10_000


@dataclass
class Lane:
    pending: list[int]
    first_at: int
    calm_at: int
    due_at: int
    attempt: int = 0
    token: int | None = None
    until: int = 0

    def really_due_at(self, max_wait_ms: int) -> int:
        return (
            self.due_at if self.attempt else max(self.due_at, min(self.calm_at, self.first_at + max_wait_ms))
        )


@dataclass
class Consumer:
    id: int
    cap: int
    quiet_ms: int
    max_wait_ms: int
    state: str = "active"
    epoch: int = 1
    fails: int = 0
    not_before: int = 0
    lanes: dict[str, Lane] = field(default_factory=dict)

    def leased(self) -> list[Lane]:
        return [lane for lane in self.lanes.values() if lane.token is not None]

    def add(self, key: str, seq: int, now: int) -> None:
        if self.state not in {"active", "paused"}:
            return
        lane = self.lanes.get(key)
        if lane is None:
            self.lanes[key] = Lane([seq], now, now + self.quiet_ms, now + self.quiet_ms)
        else:
            lane.pending.append(seq)
            lane.calm_at = now + self.quiet_ms

    def expire(self, tokens: set[int], now: int) -> None:
        """Leases that ran out may be gone (they are not among ``tokens``) or not yet; no other may."""
        for lane in self.leased():
            if lane.token not in tokens:
                assert lane.until <= now
                lane.token = None
                lane.attempt += 1
                lane.due_at = now

    def restart(self, now: int) -> None:
        for lane in self.leased():
            lane.token = None
            lane.attempt += 1
            lane.due_at = min(lane.due_at, now)

    def retire(self) -> None:
        self.lanes.clear()
        self.epoch += 1
        self.fails = 0
        self.not_before = 0
        self.state = "gone"

    def due(self, now: int) -> dict[str, Lane]:
        """The lanes that may be leased, without regard to how many at a time."""
        if self.state != "active" or self.not_before > now:
            return {}
        return {
            key: lane
            for key, lane in self.lanes.items()
            if (lane.token is None and lane.really_due_at(self.max_wait_ms) <= now)
            or (lane.token is not None and lane.until <= now)
        }

    def free(self, now: int, times: int = 1) -> int:
        running = [lane for lane in self.leased() if lane.until > now]
        return max(0, (1 if self.fails else self.cap * times) - len(running))

    def may_have(self, now: int, times: int = 1) -> int:
        return min(self.free(now, times), len(self.due(now)))

    def holds(self, lease: Lease) -> bool:
        lane = self.lanes.get(lease.key)
        return lane is not None and lane.token == lease.token and self.epoch == lease.consumer.epoch

    def move_on(self, lease: Lease, through: int, now: int) -> None:
        lane = self.lanes[lease.key]
        lane.pending = [seq for seq in lane.pending if seq > through]
        if not lane.pending:
            del self.lanes[lease.key]
            return
        lane.token, lane.attempt, lane.first_at = None, 0, now
        lane.due_at = max(now, min(lane.calm_at, now + self.max_wait_ms))

    def put_back(self, lease: Lease, due_at: int) -> None:
        lane = self.lanes[lease.key]
        lane.token, lane.attempt, lane.due_at = None, lease.attempt, due_at

    def up(self) -> None:
        if self.fails:
            self.fails, self.not_before = 0, 0

    def down(self, lease: Lease, probe_at: int) -> None:
        self.fails = max(self.fails, lease.consumer.fails + 1)
        self.not_before = max(self.not_before, probe_at)
