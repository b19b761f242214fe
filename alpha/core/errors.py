"""The one exception that means "your input is wrong", shown to the user as one line."""


class InputError(Exception):
    """Input that cannot be used: one line that says what must hold, what was found, and where.

    The command line prints it without a traceback and exits with 2.
    """
