"""The feed: posts with all their versions, their audience, files and comments."""
