"""What a model kept of a text, as numbers and as the page that shows it."""

from __future__ import annotations

import base64
import json
from typing import Any

from . import _core
from ._model import Model, free_path, refuse_unknown


class Explanation:
    """What `explain` gives: shown inline in a notebook.

    Attributes
    ----------
    data : dict
        Every number, as docs/explain-json.md describes them.
    """

    def __init__(self, text: str) -> None:
        self._json = text

    @property
    def data(self) -> dict[str, Any]:
        """Every number, as docs/explain-json.md describes them."""
        loaded: dict[str, Any] = json.loads(self._json)
        return loaded

    def to_json(self) -> str:
        """The same as JSON."""
        return self._json

    def to_html(self, path: Any = None, *, force: bool = False) -> str:
        """The page as one file of HTML, which loads nothing from elsewhere; also written to `path`."""
        page = _core.page(self._json)
        if path is not None:
            _core.write_file(free_path(path, force), page, force)
        return page

    def _repr_html_(self) -> str:
        # A frame of its own: the page's styles and scripts touch nothing of the notebook.
        source = base64.b64encode(self.to_html().encode()).decode()
        return (
            f'<iframe title="What the network kept" width="100%" height="900" style="border:0" '
            f'sandbox="allow-scripts allow-downloads" src="data:text/html;base64,{source}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<sluice.Explanation: {len(self._json)} characters of JSON>"


def explain(
    model: Model,
    text: str,
    *,
    at: int | None = None,
    answer: str | None = None,
    top: int | None = None,
    quick: bool | None = None,
    **unknown: Any,
) -> Explanation:
    """What the network kept of a text at every word, and which words its prediction depends on.

    Parameters
    ----------
    model : Model
        A language model.
    text : str
        The text to read.
    at : int, optional
        The number of the word, from 0, after which to ask what comes next; the last one by default.
    answer : str, optional
        The word whose probability is explained; the likeliest by default.
    top : int, optional
        How many likeliest next words are listed (5).
    quick : bool, optional
        Gradients alone, no reading without each word or unit: for long texts.

    Returns
    -------
    Explanation
        Shown as a page in a notebook; ``.to_html()`` writes it, ``.data`` has the numbers.
    """
    refuse_unknown(unknown, ("at", "answer", "top", "quick"), "explain()")
    options = {"at": at, "answer": answer, "top": top, "quick": quick}
    given = {name: value for name, value in options.items() if value is not None}
    return Explanation(_core.explain_json(model._core, text, given, model.name))


__all__ = ["Explanation", "explain"]
