"""``python -m ffl_plugin``, for when ``ffl-patch`` is not on the path."""

from ffl_plugin.cli import main

main()
