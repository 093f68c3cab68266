"""Serving: applications of a test on ports of this machine, and the way that SDKs take to the portal."""
