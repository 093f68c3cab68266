"""Errors of the authorization server; their HTTP status is not documented (A-22), so clients go by the code.

Source: settings/oauth/error-codes.md, settings/oauth/auto-renewal.md
"""

from livefeed.errors import Fault


class InvalidRequestOauth(Fault):
    """The request cannot be read."""

    code = "invalid_request"
    status = 400
    description = "Invalid request"


class InvalidClient(Fault):
    """Wrong client data, or the app is not installed on that portal."""

    code = "invalid_client"
    status = 400
    description = "Invalid client"


class InvalidGrant(Fault):
    """The code or the refresh token is unknown, used or over; sign in again."""

    code = "invalid_grant"
    status = 400
    description = "Invalid grant"


class InvalidScope(Fault):
    """More scopes than the app has."""

    code = "invalid_scope"
    status = 400
    description = "Invalid scope"


class InvalidToken(Fault):
    """The token is over or was never given out."""

    code = "invalid_token"
    status = 401
    description = "Token expired or invalid"


class PaymentRequired(Fault):
    """The paid or trial time of the app is over."""

    code = "PAYMENT_REQUIRED"
    status = 402
    description = "Payment required"
