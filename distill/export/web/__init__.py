"""A folder that runs the student in a browser, on a page of its own."""
