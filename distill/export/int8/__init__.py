"""Files of 8-bit weights and activations: ranges, equalised channels, and students that learn to be rounded."""
