"""The patch engine: finds places by meaning, inserts, proves, undoes. Standard library only."""
