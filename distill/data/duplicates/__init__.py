"""The same photograph twice: found by its content, resized, mirrored or recompressed."""
