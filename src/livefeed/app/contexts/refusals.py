"""Refusals: what says that a call has done nothing, and what leaves it unknown."""

from typing import Final

from livefeed.errors import AddressBlocked, ConnectFailed, Fault, NotInstalled, NotYet, TlsFailed
from livefeed.wire.faults import (
    ExpiredToken,
    InsufficientScope,
    InternalServerError,
    InvalidCredentials,
    NoAuthFound,
    UnexpectedAnswer,
    UnknownFault,
    UserAccessError,
)

TOKEN_FAULTS: Final = (ExpiredToken, NoAuthFound, InsufficientScope, InvalidCredentials, UserAccessError)
"""What says that a token, or its user, may not do it; another's may."""

_NOT_MADE: Final = (ConnectFailed, TlsFailed, AddressBlocked, NotInstalled, NotYet)


def is_refusal(problem: BaseException | None) -> bool:
    """Whether nothing has happened: the other side said no, was not reached, or nobody tried.

    A portal that broke in the middle, or a gateway that lost patience with it, may have done it.
    """
    match problem:
        case InternalServerError() | UnexpectedAnswer():
            return False
        case UnknownFault():
            return problem.status < 500
        case Fault():
            return True
        case _:
            return isinstance(problem, _NOT_MADE)
