"""What is kept of people: shown, erased, redacted, and held."""
