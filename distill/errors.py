"""The one exception a user is meant to see, and the kind of it that is told apart."""


class DistillError(Exception):
    """A mistake in the input: a file, a key, a picture, a pair of networks that do not fit.

    The message names the file or key, what was found, what was expected and what to do. The command line prints
    it without a traceback and exits with status 2.
    """


class OutputsError(DistillError):
    """A network has another number of outputs than it was asked for; a teacher's can be chosen from by a class map."""
