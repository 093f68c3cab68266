"""What open pages hear of: which commits concern whom."""
