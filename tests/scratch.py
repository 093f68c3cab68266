"""Where tests keep their databases: in memory if there is room, for a disk takes most of the time to sync.

No test believes that data is safe because it lies on a disk: those of lost power record what is written and
synced, and judge by the record.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 2 << 30


def in_memory() -> Path | None:
    """A folder in memory in which programs may lie too; None where there is none, or it is small."""
    with suppress(OSError):
        if shutil.disk_usage(_MEMORY).free > _ROOM_BYTES and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
            return _MEMORY if os.access(_MEMORY, os.W_OK) else None
    return None
