"""A key for each portal: what is kept of it is sealed with that, and unreadable once the key is dropped."""
