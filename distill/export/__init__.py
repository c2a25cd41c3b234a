"""Files for the runtimes people ship on: one format a file, each scored again in its own runtime."""
