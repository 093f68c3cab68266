"""Privacy: what is kept of one person is shown or erased, and words of a version are taken out for good."""
