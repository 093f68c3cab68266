"""Readers: people see different posts, so a feed is read with the token of each of whom one is kept."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from livefeed.app.contexts.refusals import TOKEN_FAULTS
from livefeed.app.runtime import Runtime
from livefeed.client.rest import RestClient
from livefeed.errors import NotInstalled
from livefeed.wire.ids import MemberId, UserId

T = TypeVar("T")


async def with_each(
    runtime: Runtime,
    portal: MemberId,
    first: UserId,
    reached: UserId | None,
    read: Callable[[UserId], Awaitable[None]],
) -> list[UserId]:
    """Call ``read`` for whoever installed, then for at most ten others by their numbers.

    A token that is refused is passed over.

    Args:
        runtime: The running application.
        portal: Whose feed it is.
        first: Who installed the application.
        reached: With whose token an interrupted reading stood; those before him are done. None: ``first``.
        read: Reads with the token of one person.

    Returns:
        Those who have read.

    Raises:
        NotInstalled: No token works.
        Fault: No token may do it.
    """
    done: list[UserId] = []
    problem: Exception | None = None
    for one in await _readers(runtime, portal, first):
        if reached is not None and (one == first or one < reached):
            done.append(one)
            continue
        try:
            await read(one)
        except (NotInstalled, *TOKEN_FAULTS) as exc:
            problem = problem or exc
        else:
            done.append(one)
    if problem is not None and not done:
        raise problem
    return done


async def with_one(
    runtime: Runtime, portal: MemberId, first: UserId, read: Callable[[RestClient], Awaitable[T]]
) -> T:
    """What ``read`` gives for the first of the same people whose token may do it.

    Raises:
        NotInstalled: No token works.
        Fault: No token may do it.
    """
    problem: Exception | None = None
    for one in await _readers(runtime, portal, first):
        try:
            return await read(runtime.client_of(portal, one))
        except (NotInstalled, *TOKEN_FAULTS) as exc:
            problem = problem or exc
    assert problem is not None, "there is one who installed it"
    raise problem


async def _readers(runtime: Runtime, portal: MemberId, first: UserId) -> list[UserId]:
    others = await runtime.people(portal)
    return [first, *sorted(one for one in others if one != first)]
