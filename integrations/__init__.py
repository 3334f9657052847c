"""What a patched repository imports while it trains: one module per upstream."""
