"""The engines: database drivers are imported only here."""
