"""Published sets of faces to compare, one layout a file: each lists its pictures, and which of them are pairs."""
