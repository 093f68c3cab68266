"""Who may call and be called: applications with their tokens, and incoming webhooks."""
