"""What `compatibility.py` is made of: the list, the round trip, the training step and the table."""
