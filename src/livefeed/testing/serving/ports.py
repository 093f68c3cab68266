"""Ports that are kept: nobody else is given one, whether a process listens on it or not."""

from typing import Final

from livefeed.net.listening import bound


class KeptPort:
    """A port of 127.0.0.1 for a process that may be killed and started again.

    A socket that is bound and never listens holds it: the kernel gives it to nobody who asks for any port,
    connections are refused while the process is down, and who names the port may listen on it, as servers do
    that set SO_REUSEADDR.

    Attributes:
        number: The port.
    """

    def __init__(self) -> None:
        """Take one."""
        self._holder: Final = bound("127.0.0.1", 0)
        self.number: Final[int] = self._holder.getsockname()[1]

    def close(self) -> None:
        """Anybody may have it from now on."""
        self._holder.close()
