"""What a black box wants: what its file says of itself, and what only measuring tells."""
