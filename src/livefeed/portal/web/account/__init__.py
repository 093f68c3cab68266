"""Whom a browser may be, and what an application may do in his name: sign-in, sign-out, consent."""
