"""Rounds: work that comes again and again for each portal, as lanes that are due after a pause."""

from livefeed.app.rounds.lanes import again, first, is_round, next_round, pending_posts, waiting_posts

__all__ = ["again", "first", "is_round", "next_round", "pending_posts", "waiting_posts"]
