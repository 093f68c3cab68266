"""The words of the wire: bytes ⇄ frozen values. Pure: no I/O, no event loop, no clock."""
