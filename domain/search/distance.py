"""Edit distance as the engines count it: optimal string alignment on code points."""


def within(one: str, other: str, edits: int) -> bool:
    """Whether `one` becomes `other` by at most `edits` insertions, deletions, replacements and swaps of neighbours.

    No letter is edited twice (optimal string alignment), as in Lucene's and tantivy's automata. What both begin with
    needs no edit, so each way to edit the first letter that differs is tried: few ways, as there are few edits.
    """
    if abs(len(one) - len(other)) > edits:
        return False
    if edits == 0 or one == other:
        return one == other
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[at:], other[at:]
    return (
        within(one[1:], other[1:], edits - 1)
        or within(one[1:], other, edits - 1)
        or within(one, other[1:], edits - 1)
        or (one[:2] == other[1::-1] and within(one[2:], other[2:], edits - 1))
    )
