"""The demo: both halves as two processes."""
