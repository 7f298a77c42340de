"""python -m indexer: run the pipelines that keep the search index up to date, see how they are, and prove it.

Exit codes: 0 all is well, 1 something was found that needs attention, 2 the command could not do its work.
"""

import typer

from indexer.commands.connectors import connectors
from indexer.commands.run import run
from indexer.commands.status import status

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(connectors, name="connectors")
app.command()(run)
app.command()(status)

if __name__ == "__main__":
    app()
