"""``python -m livefeed`` does what the installed ``livefeed`` command does."""

from livefeed.cli import main

if __name__ == "__main__":
    main(prog_name="livefeed")
