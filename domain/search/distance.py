"""Edit distance as the engines count it: optimal string alignment on code points."""


def within(one: str, other: str, edits: int) -> bool:
    """Whether `one` becomes `other` by at most `edits` insertions, deletions, replacements and swaps of neighbours.

    No letter is edited twice (optimal string alignment), as in Lucene's and tantivy's automata.
    """
    if abs(len(one) - len(other)) > edits:
        return False
    if edits == 0 or one == other:
        return one == other
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        next_row = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            next_row.append(cost)
        before, row = row, next_row
        if min(*before, *row) > edits:
            return False
    return row[-1] <= edits
