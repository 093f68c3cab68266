"""The portal: its feed, people, applications, events and pages, served over HTTP."""
