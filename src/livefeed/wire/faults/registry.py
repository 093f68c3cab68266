"""Code, status and description → the class of the error; what the client does with an answer."""

from typing import Final

from livefeed.errors import Fault
from livefeed.wire.faults import apps, feed, frames, im, oauth, system


class UnknownFault(Fault):
    """An error that no page of the documentation names."""

    def __init__(self, *, code: str, status: int, description: str) -> None:
        self.code = code
        self.status = status
        self.retryable = status >= 500 or status == 429
        super().__init__(description)


ALL_FAULTS: Final[tuple[type[Fault], ...]] = tuple(
    member
    for module in (system, apps, feed, frames, im, oauth)
    for member in vars(module).values()
    if isinstance(member, type) and issubclass(member, Fault) and member.__module__ == module.__name__
)
"""Every documented error, the general one of a code before its kinds."""

_by_text: Final = {(fault.code, fault.description): fault for fault in reversed(ALL_FAULTS)}
_by_code: Final = {fault.code: fault for fault in reversed(ALL_FAULTS) if fault.code}


def fault_of(status: int, code: str, description: str) -> Fault:
    """The error that an answer tells of.

    The text decides among the errors of one code; a code with an unknown text is the general error of that
    code. The status is kept as received, since pages disagree on it (A-22, A-25).
    """
    found = _by_text.get((code, description)) or _by_code.get(code)
    if found is None:
        return UnknownFault(code=code, status=status, description=description)
    fault = found(description)
    fault.status = status
    return fault
