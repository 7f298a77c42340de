"""python -m indexer: run the pipelines that keep the search index up to date, see how they are, and prove it.

Exit codes: 0 all is well, 1 something was found that needs attention, 2 the command could not do its work,
3 nor could it, because what has to be there (a server, an index) does not answer.
"""

import typer

from indexer.commands.connectors import connectors
from indexer.commands.dead_letters import dead_letters
from indexer.commands.erasure_receipt import erasure_receipt
from indexer.commands.rebuild import rebuild
from indexer.commands.resync import resync
from indexer.commands.run import run
from indexer.commands.status import status
from indexer.commands.verify import verify

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(connectors, name="connectors")
app.add_typer(dead_letters, name="dead-letters")
app.command()(erasure_receipt)
app.command()(rebuild)
app.command()(resync)
app.command()(run)
app.command()(status)
app.command()(verify)

if __name__ == "__main__":
    app()
