"""The clockwork: one durable queue for the portal's events, the app's inbox and the notices."""
