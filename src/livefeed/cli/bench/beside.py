"""What is done beside a bench: a transaction that is held open from its begin to its end."""

import threading
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager

from livefeed.durable.store import Tx, open_readonly
from livefeed.errors import StoreUnavailable


class Held:
    """A transaction that is held open.

    Attributes:
        unseen: How many entries have come since it began, none of which it sees; known after its end.
    """

    unseen: int = 0


@contextmanager
def held_transaction(url: str) -> Generator[Held]:
    """A reader beside the store that keeps its first snapshot until the block ends.

    Raises:
        StoreUnavailable: It could not begin, or somebody ended it before the block did.
    """
    begun: Future[int] = Future()
    may_end = threading.Event()

    def look(tx: Tx) -> int:
        if begun.done():  # the store looks again where a connection was lost
            raise _ended()
        newest = _newest(tx)
        if tx.is_shared:
            # Our own connections let nobody idle; here it is what is wanted. Whoever asks for the count waits
            # until the server has done all, and has the transaction as idle.
            _ = tx.execute("SET LOCAL idle_in_transaction_session_timeout = 0").rowcount
        begun.set_result(newest)
        may_end.wait()
        return _newest(tx)

    held = Held()
    with closing(open_readonly(url)) as reader, ThreadPoolExecutor(1, "bench-reader") as thread:
        end: Future[int] = thread.submit(reader.read, look)
        try:
            wait([begun, end], return_when=FIRST_COMPLETED)
            if not begun.done():
                end.result()
            yield held
        finally:
            may_end.set()
        if end.result() != begun.result():
            raise _ended()
        held.unseen = reader.read(_newest) - end.result()


def _newest(tx: Tx) -> int:
    return int(tx.execute("SELECT max(seq) FROM entry").fetchone()[0] or 0)


def _ended() -> StoreUnavailable:
    return StoreUnavailable("the transaction that was to stay open was ended; the figures say nothing")
