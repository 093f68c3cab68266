"""The notifier's pages in the portal's frame: what was edited lately, and the history of one post."""
