"""Lists with more rows than one answer holds."""
