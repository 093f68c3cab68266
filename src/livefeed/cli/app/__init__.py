"""Commands of the app half."""
