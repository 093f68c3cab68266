"""Pages for people: the feed and the bell, rendered on the server, working without scripts."""
