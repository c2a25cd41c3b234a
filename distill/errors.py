"""The one exception a user is meant to see."""


class DistillError(Exception):
    """A mistake in the input: a file, a key, a picture, a pair of networks that do not fit.

    The message names the file or key, what was found, what was expected and what to do. The command line prints
    it without a traceback and exits with status 2.
    """
