"""The life of webhooks, incoming and outgoing: who may make, change, regenerate and remove them."""
