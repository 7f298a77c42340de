"""Run the cluster tests in a network of their own: `python -m tests.cluster [pytest's arguments]`."""

import sys

from tests.cluster import network

arguments = sys.argv[1:]
chosen = any(argument.startswith("tests/cluster") for argument in arguments)
network.enter([sys.executable, "-m", "pytest", *arguments, *([] if chosen else ["tests/cluster"])])
