"""The whole house in one process: portal, notifier and a clock that is turned by hand."""
