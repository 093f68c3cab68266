"""The cases by the method they are about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Case:
    """One call of a method by an SDK.

    Attributes:
        method: As the wire names it.
        sdk: Which SDK calls it.
        run: Calls it and compares; takes `tests.clients.sdks.Sdks`.
    """

    method: str
    sdk: str
    run: Callable[[Any], None]


CASES: Final[dict[str, Case]] = {}

B24PYSDK: Final = "b24pysdk"
FAST: Final = "fast-bitrix24"
JS: Final = "b24jssdk"


def case(method: str, sdk: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Keep the function as the case of a method."""

    def keep(run: Callable[[Any], None]) -> Callable[[Any], None]:
        assert method not in CASES, method
        CASES[method] = Case(method, sdk, run)
        return run

    return keep


def made(request: Any) -> Any:
    """Make the call that a request of b24pysdk only describes, and return its result."""
    return request.result
