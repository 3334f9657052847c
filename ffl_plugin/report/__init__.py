"""Before and after: table, JSON and one self-contained page."""
