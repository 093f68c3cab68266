"""The console of a running application, ``/console/``: what came in, what became of it, what is stuck."""
