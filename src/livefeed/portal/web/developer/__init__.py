"""The developer area: applications, handlers, deliveries."""
