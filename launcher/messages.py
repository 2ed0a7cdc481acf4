"""What the launcher says: plain sentences on stderr, so that stdout stays a command's own."""

import sys


class LauncherError(Exception):
    """Something that keeps a command from running, with the sentence for the user and what to do about it."""

    def __init__(self, sentence: str, remedy: str, status: int = 2) -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy
        self.status = status


class UsageError(LauncherError):
    """A command line that means nothing; exit status 64."""

    def __init__(self, sentence: str, remedy: str = "See ./crossfoot help.") -> None:
        super().__init__(sentence, remedy, status=64)


def say(sentence: str) -> None:
    """Tell the user what happens now. A closed terminal is no reason to stop."""
    try:
        sys.stderr.write(sentence + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
