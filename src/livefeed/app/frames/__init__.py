"""Pages that portals open in a frame: who opened them, what they may show, and the requests that follow."""
