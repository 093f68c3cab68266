"""Recording: real requests kept as fixtures without their secrets, and sent again in the exact wire form."""

from livefeed.testing.recording.recorder import Recorder, recorder, save_deliveries
from livefeed.testing.recording.replay import Replayed, replay, replaying
from livefeed.testing.recording.tape import Request, read_tape

__all__ = [
    "Recorder",
    "Replayed",
    "Request",
    "read_tape",
    "recorder",
    "replay",
    "replaying",
    "save_deliveries",
]
