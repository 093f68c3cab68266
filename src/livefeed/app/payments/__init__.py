"""Payments that are told without anything to prove them: whatever they say, the portal is asked itself."""

from livefeed.app.payments.confirming import confirm_payments, confirms, is_unproved, put_aside

__all__ = ["confirm_payments", "confirms", "is_unproved", "put_aside"]
