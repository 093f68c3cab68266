"""The page around an application's frame, and the commands that the frame sends through it."""
