"""One round: a fresh house under load, a number of kills, and the verdict of `livefeed check-history`."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.system.world import History, eventually, livefeed
from tools.soaking.editing import Editor, shown_numbers
from tools.soaking.house import HERE, MEMBER_ID, TOKEN, House, Role

EDITORS = 3
DRAIN_S = 900.0


@dataclass(frozen=True)
class Plan:
    """What a round does.

    Attributes:
        engine: ``sqlite`` or ``postgresql``.
        kills: How many processes are killed.
        rate: Events a second at the application's door, at most.
        seed: Of the choice of processes and moments.
        longest_pause_s: Between one process being ready again and the next kill.
    """

    engine: str
    kills: int
    rate: float = 4000.0
    seed: int = 0
    longest_pause_s: float = 0.6


@dataclass(frozen=True)
class Round:
    """What came of it; recoveries are seconds from a kill until the process was ready again."""

    engine: str
    seed: int
    kills: dict[str, int]
    acked: int
    received: int
    lost: int
    repeated: int
    reordered: int
    answers: dict[str, int]
    unanswered_edits: int
    recoveries_s: dict[str, list[float]]
    drained_s: float
    seconds: float


def run_round(plan: Plan, folder: Path, database: Callable[[str], str]) -> Round:
    """Run one round in ``folder``; the files stay there when it fails.

    Raises:
        AssertionError: Something was lost or reordered, or did not come back.
    """
    began = time.monotonic()
    draw = random.Random(plan.seed)
    house = House(folder, database)
    load: subprocess.Popen[str] | None = None
    try:
        load = _start_load(house, plan)
        history = History(folder / "history.jsonl")
        shares = [house.posts[number::EDITORS] for number in range(EDITORS)]
        editors = [Editor(house.admin, share, history, house.member_id, pause_s=0.05) for share in shares]
        for editor in editors:
            editor.start()
        _kill_many(list(house.roles.values()), plan, draw)
        told, drained_s = _finish(house, editors, load, history)
    finally:
        if load is not None and load.poll() is None:
            load.kill()
        house.close()
    for editor in editors:
        assert not editor.unexpected, editor.unexpected
    verdict = _judged(folder, house)
    assert 0 == verdict["lost"] == verdict["reordered"], f"{verdict}; see {folder}"
    return Round(
        engine=plan.engine,
        seed=plan.seed,
        kills={role.name: role.kills for role in house.roles.values()},
        acked=verdict["acked"],
        received=_lines(folder / "received.jsonl") + _lines(folder / "deliveries.jsonl"),
        lost=verdict["lost"],
        repeated=verdict["repeated"],
        reordered=verdict["reordered"],
        answers=told["outcomes"],
        unanswered_edits=sum(editor.unanswered for editor in editors),
        recoveries_s={
            role.name: [round(one, 2) for one in role.recoveries_s] for role in house.roles.values()
        },
        drained_s=round(drained_s, 1),
        seconds=round(time.monotonic() - began, 1),
    )


def document(result: Round) -> dict[str, object]:
    """As JSON."""
    return asdict(result)


def _start_load(house: House, plan: Plan) -> "subprocess.Popen[str]":
    arguments = [str(house.ports["app"]), str(house.folder / "acked.jsonl"), MEMBER_ID, TOKEN]
    return subprocess.Popen(
        [sys.executable, str(HERE / "event_load.py"), *arguments, "--rate", str(plan.rate)],
        stdout=subprocess.PIPE,
        text=True,
    )


def _kill_many(roles: list[Role], plan: Plan, draw: random.Random) -> None:
    """Kill each in turn, in a drawn order and at drawn moments; one in eight dies again at its start.

    While one starts again the next is killed.
    """
    order = [roles[number % len(roles)] for number in range(plan.kills)]
    draw.shuffle(order)
    starting: dict[str, tuple[Role, float]] = {}
    for role in order:
        time.sleep(draw.uniform(0.05, plan.longest_pause_s))
        for other, other_began in list(starting.values()):
            if other is role or len(starting) > 1:
                other.wait_ready(other_began)
                del starting[other.name]
        began = time.monotonic()
        role.kill()
        role.start_again(wait=False)
        if draw.random() < 1 / 8:
            time.sleep(draw.uniform(0.0, 0.5))
            role.process.kill()
            role.process.start()
        starting[role.name] = role, began
    for role, began in starting.values():
        role.wait_ready(began)


def _finish(
    house: House, editors: list[Editor], load: "subprocess.Popen[str]", history: History
) -> tuple[dict[str, dict[str, int]], float]:
    """End the load, wait until all has arrived that is ever going to, and record what people are shown."""
    for editor in editors:
        editor.stop()
    load.send_signal(signal.SIGTERM)
    told, _ = load.communicate(timeout=DRAIN_S)
    began = time.monotonic()
    for name in ("app", "portal", "notifier"):
        eventually(
            lambda name=name: not _waiting(house, name), what=f"{name} has no lanes left", within_s=DRAIN_S
        )
    last = {post: number for editor in editors for post, number in editor.last.items()}
    eventually(
        lambda: all(shown_numbers(house.reader).get(post, -1) >= number for post, number in last.items()),
        what="the bell tells of the last edit of every post",
        within_s=DRAIN_S,
    )
    shown = shown_numbers(house.reader)
    for post, number in last.items():
        history.write("acked", f"{house.member_id}-bell", post, seq=number)
        history.write("effect", f"{house.member_id}-bell", post, seq=shown[post], id=f"bell-{post}")
    return json.loads(told), time.monotonic() - began


def _waiting(house: House, name: str) -> bool:
    return bool(livefeed("lanes", "--db", house.databases[name], "--json", env=house.key).stdout.strip())


def _judged(folder: Path, house: House) -> dict[str, int]:
    """The sum of three verdicts: at the door, of the portal's deliveries, and of what people see."""
    edits = (folder / "history.jsonl").read_text().splitlines(keepends=True)
    parts = {
        "door.jsonl": [(folder / "acked.jsonl").read_text(), (folder / "received.jsonl").read_text()],
        "sent.jsonl": [
            *(line for line in edits if f'"{house.member_id}-deliveries"' in line),
            (folder / "deliveries.jsonl").read_text(),
        ],
        "shown.jsonl": [line for line in edits if f'"{house.member_id}-bell"' in line],
    }
    total = {"acked": 0, "lost": 0, "repeated": 0, "reordered": 0}
    for name, texts in parts.items():
        path = folder / name
        path.write_text("".join(texts))
        done = livefeed("check-history", str(path), "--json", check=False)
        verdict = json.loads(done.stdout)
        assert verdict["acked"], f"{name}: nothing was acknowledged"
        if name == "shown.jsonl":
            verdict["acked"] = 0  # the same edits as before, seen from the other end
        for key in total:
            total[key] += verdict[key]
    return total


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
