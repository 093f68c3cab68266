"""Applications inside the portal's pages: their widgets, their settings, and the frames they open in."""
