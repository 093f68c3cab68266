"""What other programs are told: handlers, the outbox, and deliveries one attempt at a time."""
