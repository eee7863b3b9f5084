"""What goes wrong: `Error`, and a class of it for each kind."""


class Error(Exception):
    """What every error of the library is. Its message is a sentence: where, what was expected, what was found."""


class UsageError(Error, ValueError):
    """An option or argument is out of range, unknown or of another kind."""


class FileError(Error, OSError):
    """A file, or bytes of one, is missing, unreadable or not what it should be."""


class FailedError(Error, OSError):
    """The work could not be done: a full disk, an output that exists already, no permission."""


class OutOfMemory(Error, MemoryError):
    """Too little memory."""


class DivergedError(Error, ArithmeticError):
    """Training met numbers that are not finite, and smaller steps did not help."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a training.

    Attributes
    ----------
    checkpoint : str or None
        The file that holds the work so far: the same training with ``checkpoint=`` this and ``resume=True`` goes on
        from it, with the same bits as if it had never been stopped.
    """

    checkpoint: "str | None" = None
