"""The pages of webhooks: everybody manages his own, administrators all."""
