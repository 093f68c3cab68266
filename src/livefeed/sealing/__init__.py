"""Where sealed values lie in a database, and how they are sealed anew when the keys have changed."""
