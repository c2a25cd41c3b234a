"""Embeddings: vectors that are alike where two pictures show one person, scored by verification and identification."""
