"""The text of posts: BBCode tree, tokens, difference, materiality, short line. Pure."""
