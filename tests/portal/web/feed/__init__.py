"""The pages of the feed, one file a part."""
