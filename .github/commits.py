"""Checks that releases can be made from the commits of a range: python3 .github/commits.py origin/main..HEAD

Exit code 0: all are Conventional Commits (https://www.conventionalcommits.org/en/v1.0.0/); 1: some are not, and each is
named; 2: git does not know the range.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

TYPES = ("feat", "fix", "perf", "revert", "docs", "style", "refactor", "test", "build", "ci", "chore")
HEADER = re.compile(rf"(?:{'|'.join(TYPES)})(?:\([^()\s]+\))?(?P<breaking>!)?: \S.*")
FOOTER = re.compile(r"^BREAKING CHANGE: \S", re.MULTILINE)


def complaint(message: str) -> str | None:
    """Why no release can be made from this message, or nothing."""
    header, _, body = message.partition("\n")
    found = HEADER.fullmatch(header)
    if found is None:
        return f"write `type(scope): what and why`, with one of {', '.join(TYPES)}"
    # What tags a release reads the footer only, and would make no version of the mark alone.
    if found["breaking"] and not FOOTER.search(body):
        return "`!` needs a footer that says what breaks: `BREAKING CHANGE: …`"
    return None


def commits(range: str) -> Iterator[tuple[str, str]]:
    """(hash, message) of the commits of a range, without merges. Raises CalledProcessError."""
    command = ["git", "log", "--no-merges", "-z", "--format=%h %B", range, "--"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (git's own arguments)
    for entry in filter(None, listed.stdout.split("\0")):
        hash, _, message = entry.partition(" ")
        yield hash, message.strip()


def main(range: str) -> int:
    try:
        found = list(commits(range))
    except subprocess.CalledProcessError as exc:
        sys.stderr.write(exc.stderr)
        return 2
    complaints = [(hash, message, why) for hash, message in found if (why := complaint(message))]
    for hash, message, why in complaints:
        sys.stderr.write(f"{hash} {message.splitlines()[0]}\n  {why}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
