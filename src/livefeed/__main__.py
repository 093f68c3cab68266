"""``python -m livefeed`` does what the installed ``livefeed`` command does."""

from livefeed.cli import run

if __name__ == "__main__":
    run()
