"""The application of the seed: it tells the participants of a discussion what changed, who, and why they."""
