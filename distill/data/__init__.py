"""From photographs to batches: sources list them, prepared sets hold them at one size, views are cut from those."""
