"""The application's sealed values, for a rotation of the keys."""
