"""Where a photograph was taken: a distribution over cells of the Earth, scored in kilometres (PlaNet)."""
