"""How fast and how small the bot is, beside its peers: `python -m bench`, or `make bench`."""
