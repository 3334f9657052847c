"""The main job on an embedded training repository of our own."""
