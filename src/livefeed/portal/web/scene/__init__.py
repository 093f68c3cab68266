"""The scene of the demo: the way of one event, from the edit to the bell, on one page."""
