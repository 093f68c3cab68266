"""The log of deliveries for the developer area: what was sent, rebuilt without secrets, and sent again."""
