"""Which process of pytest-xdist runs which tests: a file at a time, those that take long first.

A file stays together, for its tests share what a module sets up. Where single tests take long, each goes its
own way. What takes long begins early, so that at the end no process waits for another.
"""

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

SLOW: Final = (
    "tests/system/",
    "tests/browser/",
    "tests/clients/",
    "tests/durable/",
    "tests/scenario/",
    "tests/docs/",
)
APART: Final = (
    "tests/system/test_kills.py",
    "tests/system/test_crash.py",
)
"""Files whose tests take long and share nothing, but for those on PostgreSQL."""


class Files(LoadScopeScheduling):
    """Hands out files, the slow ones first."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return nodeid if path in APART and "[postgresql" not in nodeid else path

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_turn), last=False)
        super()._assign_work_unit(node)


def _turn(scope: str) -> int:
    """Where its folder stands in the list of slow ones; of several the first that was collected is next."""
    return next((number for number, folder in enumerate(SLOW) if scope.startswith(folder)), len(SLOW))
