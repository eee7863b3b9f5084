"""Texts that the tests of the command and those of the package for Python share."""


def small_text():
    """About 2000 words of short sentences, the same every time."""
    who = ["Ada", "Bela", "Chen", "Dora", "Émile"]
    does = ["likes", "sees", "paints", "sells", "forgets"]
    what = ["the red house", "a quiet river", "two old boats", "her neighbour's garden", "the last train"]
    state, lines = 1, []
    for _ in range(250):
        state = (state * 1103515245 + 12345) % 2**31
        bits = state >> 8
        lines.append(f"{who[bits % 5]} {does[bits // 5 % 5]} {what[bits // 25 % 5]}, and so it goes.")
    return "\n".join(lines) + "\n"
