"""The feed: what pages show of posts and bells, and what people do there."""
