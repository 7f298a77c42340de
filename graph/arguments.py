"""Arguments that several fields take, with what a client is told of them."""

from typing import Annotated

import strawberry

from domain.users.page import DEFAULT_PAGE, MAX_PAGE

First = Annotated[
    int | None, strawberry.argument(description=f"The size of the page, 1 to {MAX_PAGE}; {DEFAULT_PAGE} if left out.")
]
Last = Annotated[int | None, strawberry.argument(description=f"The size of a page from the end, 1 to {MAX_PAGE}.")]
After = Annotated[str | None, strawberry.argument(description="Go on after this cursor of the same list.")]
Before = Annotated[str | None, strawberry.argument(description="Go back from this cursor of the same list.")]
