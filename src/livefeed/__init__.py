"""livefeed: the News Feed event system of Bitrix24, at both ends of the wire."""

__version__ = "0.1.0"
