"""Every error that livefeed raises, as one tree.

LivefeedError
├── SettingsError            a flag, a variable or a file is not usable → exit code 2
├── WireError                bytes that are not what the wire promises (path, expected, got)
│   └── TooLarge             a body beyond a bound of the parser
├── Fault                    a REST or OAuth error in the wire's own form (code, status, description)
├── TransportError           a request that got no usable answer (`kind` is the word shown to people)
│   ├── ConnectFailed · TimedOut · TlsFailed · ConnectionReset
│   ├── AddressBlocked       the target is not a public address
│   └── AnswerTooLarge
├── StoreError
│   ├── StoreBusy            the queue of writers is full, or the database stayed locked
│   ├── StoreUnavailable     the commit failed; nothing of the unit is stored
│   ├── StoreTooNew          the database was written by a newer version
│   ├── StoreInUse           another process writes this file
│   ├── StoreConflict        a constraint of the schema refused a row; the unit is rolled back
│   └── LeaseLost            another worker holds the lane now; the unit is rolled back
├── NotYet                   nothing was done; it can be done later (`after_s`)
└── AppError
    ├── UnknownPortal        no installation under this member_id
    ├── NotGenuine           nothing proves that the event comes from the portal
    ├── NotInstalled         there is no token to call the portal with
    ├── PostUnreadable       no token that is held can read the post
    └── LoopBraked           the application writes to one post again and again; it may react to itself
"""


class LivefeedError(Exception):
    """What every error of livefeed is."""


class SettingsError(LivefeedError):
    """A flag, a variable or a file cannot be used; the message says which and what to do."""


class WireError(LivefeedError):
    """Bytes or values that are not what the wire promises.

    Attributes:
        path: Where, in the wire's own words: ``auth[member_id]``.
        expected: What belongs there.
        got: What was there; never a secret.
    """

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}")
        self.path = path
        self.expected = expected
        self.got = got


class TooLarge(WireError):
    """A body beyond a bound of the parser."""


class Fault(LivefeedError):
    """An error of the REST or OAuth wire; the classes stand in ``wire/faults.py``.

    Attributes:
        code: The wire's code, which may be empty or a digit string.
        status: HTTP status.
        description: The text beside the code.
        argument: The parameter it is about, where the answer names one.
    """

    code: str = ""
    status: int = 400
    description: str = ""
    argument: str = ""
    retryable: bool = False

    def __init__(self, description: str | None = None) -> None:
        if description is not None:
            self.description = description
        super().__init__(f"{self.status} {self.code or '(no code)'}: {self.description}")


class TransportError(LivefeedError):
    """A request that got no usable answer."""

    kind: str = "connect"


class ConnectFailed(TransportError):
    """Nobody answered at that address."""

    kind = "connect"


class TimedOut(TransportError):
    """No complete answer within the time allowed."""

    kind = "timeout"


class TlsFailed(TransportError):
    """The certificate was not accepted, or the handshake failed."""

    kind = "tls"


class ConnectionReset(TransportError):
    """The connection ended before the answer did."""

    kind = "reset"


class AddressBlocked(TransportError):
    """The target is not a public address; allow it with ``--allow-private``."""

    kind = "blocked"


class AnswerTooLarge(TransportError):
    """The answer is longer than what will be read."""

    kind = "too_large"


class StoreError(LivefeedError):
    """The database did not do what it was asked."""


class StoreBusy(StoreError):
    """Too much waits to be written; try again later."""


class StoreUnavailable(StoreError):
    """The commit failed; nothing of the unit is stored."""


class StoreTooNew(StoreError):
    """The database was written by a newer version of livefeed."""


class StoreInUse(StoreError):
    """Another process writes this file."""


class StoreConflict(StoreError):
    """A constraint of the schema refused a row; the unit is rolled back."""


class LeaseLost(StoreError):
    """Another worker holds the lane now."""


class NotYet(LivefeedError):
    """Nothing was done, because it would have to wait for too long; it can be done later.

    Attributes:
        after_s: Seconds until then.
    """

    def __init__(self, reason: str, *, after_s: float) -> None:
        super().__init__(f"{reason}; it can be done in {after_s:.0f} s")
        self.after_s = after_s


class AppError(LivefeedError):
    """What the app half refuses."""


class UnknownPortal(AppError):
    """No installation under this member_id."""


class NotGenuine(AppError):
    """Nothing proves that the event comes from the portal: answer 403, and believe none of it."""


class NotInstalled(AppError):
    """There is no token to call the portal with."""


class PostUnreadable(AppError):
    """No token that is held can read the post; it may be deleted, or not for these readers."""


class LoopBraked(AppError):
    """The application writes to one post again and again; it may be reacting to its own writes."""
