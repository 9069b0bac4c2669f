"""``python -m eventfit`` is the command line."""

from eventfit.cli import app

if __name__ == "__main__":
    app()
