"""Notifications: the bell of each person."""
