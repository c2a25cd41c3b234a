"""A teacher's answers, kept: asked once for each view, then read as fast as the disk gives them.

`manifest` has the format, `writer` asks and writes, `store` reads, `verify` checks, `teacher` is the store in a
teacher's place.
"""
