"""Frames: what a portal posts into the frame in which it opens an application."""

from livefeed.wire.frames.requests import (
    DEFAULT_PLACEMENT,
    LEFT_MENU,
    POST_PLACEMENT,
    FrameRequest,
    frame_fields,
    frame_query,
    read_frame,
)

__all__ = [
    "DEFAULT_PLACEMENT",
    "LEFT_MENU",
    "POST_PLACEMENT",
    "FrameRequest",
    "frame_fields",
    "frame_query",
    "read_frame",
]
