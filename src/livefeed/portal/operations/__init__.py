"""What an administrator can ask of a portal, cut by room: over HTTP, or on a file that nothing serves."""
