"""Where pictures come from, one source a file. A source lists pictures; it decodes none."""
