"""Models: what training gives, files hold, and streams run."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Sequence

import numpy as np

from . import _core
from ._core import Evaluation, State, Stream, StreamBatch
from ._errors import FailedError, UsageError


def file_list(files: Any) -> list[str]:
    """One path or several, as texts."""
    if isinstance(files, (str, os.PathLike)):
        files = [files]
    return [os.fspath(file) for file in files]


def free_path(path: Any, force: bool) -> str:
    """The path of a file to be written, before any work is done for it."""
    path = os.fspath(path)
    if os.path.exists(path) and not force:
        raise FailedError(f"{path}: exists already; force=True replaces it")
    return str(path)


def refuse_unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    import difflib

    known = list(known)
    for name in given:
        if name in known:
            continue
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise TypeError(f"{what} got an unexpected keyword argument {name!r}{hint}")


class Model:
    """A recurrent network with all that belongs to it; nothing about it changes.

    Made by `sluice.train`, `sluice.load`, `sluice.import_model` and the estimators. It pickles as the bytes of its
    file. Any number of threads may use one.

    Examples
    --------
    >>> model = sluice.load("notes.safetensors")
    >>> model.cell
    'gru'
    >>> len(model.complete("The ", n=20)) > 0
    True
    """

    __slots__ = ("_core", "name")

    def __init__(self, core: _core.Model, name: str = "model") -> None:
        if not isinstance(core, _core.Model):
            raise TypeError("a Model is made by sluice.load(), sluice.train() or sluice.import_model()")
        self._core = core
        self.name = name

    # What it is

    @property
    def cell(self) -> str:
        """That of the first recurrent layer, such as ``"gru"`` or ``"lstm"``; `sluice.train` says which there are."""
        return self._core.cell

    @property
    def config(self) -> dict[str, Any]:
        """What the network is made of, by the names of the options of `sluice.train`."""
        return self._core.config

    @property
    def vocabulary(self) -> list[str]:
        """The tokens that it knows, by number; empty for a model on numbers."""
        return self._core.vocabulary.tokens

    @property
    def level(self) -> str | None:
        """What a token is: ``"word"``, ``"char"`` or ``"pretokenized"``; None for a model on numbers."""
        return self._core.vocabulary.level if self.reads_text else None

    @property
    def reads_text(self) -> bool:
        """Whether it reads tokens, and not numbers."""
        return self._core.reads_text

    @property
    def parameter_count(self) -> int:
        """How many weights it has."""
        return self._core.parameter_count

    @property
    def notes(self) -> dict[str, str]:
        """How it came to be, as its file says: texts by name, ``"trained"`` among them."""
        return self._core.notes

    @property
    def info(self) -> dict[str, Any]:
        """What it is, in a few words."""
        core = self._core
        facts: dict[str, Any] = {
            "name": self.name,
            "cell": core.cell,
            "parameters": core.parameter_count,
            "reads": "text" if core.reads_text else "numbers",
            "precision": core.precision,
            "streams": core.streams,
        }
        if core.reads_text:
            facts |= {"level": core.vocabulary.level, "vocabulary": len(core.vocabulary)}
        else:
            facts |= {"inputs": core.inputs}
        facts["outputs"] = core.outputs
        facts["config"] = core.config
        if "trained" in core.notes:
            try:
                facts["trained"] = json.loads(core.notes["trained"])
            except ValueError:
                facts["trained"] = core.notes["trained"]
        return facts

    def __repr__(self) -> str:
        core = self._core
        reads = (
            f"{len(core.vocabulary)} tokens" if core.reads_text else f"{core.inputs} numbers in, {core.outputs} out"
        )
        return f"<sluice.Model {self.name!r}: {core.cell}, {core.parameter_count} parameters, {reads}>"

    # Text

    def encode(self, text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """The numbers of a text's tokens, [tokens]; 0 is what it does not know."""
        self._expect_text("encode")
        return np.array(self._core.vocabulary.encode(text), dtype=np.uint32)

    def decode(self, tokens: Iterable[int]) -> str:
        """A text of token numbers, with the spacing restored."""
        self._expect_text("decode")
        return self._core.vocabulary.decode([int(token) for token in tokens])

    def _expect_text(self, what: str) -> None:
        if not self.reads_text:
            raise UsageError(f"{what}: expected a model of text, found one of numbers")

    def complete(
        self,
        prompt: str,
        n: int = 80,
        *,
        temperature: float = 0.8,
        top_p: float = 0.95,
        top_k: int = 0,
        seed: int = 1,
        stop: str | Sequence[str] = (),
    ) -> str:
        """Goes on with a text.

        Parameters
        ----------
        prompt : str
            The beginning; empty begins a new text.
        n : int
            The most tokens to go on by.
        temperature : float
            Below 1 safer, above 1 more varied; 0 takes the likeliest token each time.
        top_p, top_k
            Draw from the likeliest tokens that hold this share; from so many (0: all).
        seed : int
            Another number, another text.
        stop : str or sequence of str
            The continuation ends before any of these: a token of the model's, or a text.

        Returns
        -------
        str
            The continuation alone.
        """
        options = {"n": n, "temperature": temperature, "top_p": top_p, "top_k": top_k, "seed": seed,
                   "stop": [stop] if isinstance(stop, str) else list(stop)}
        return self._core.complete(prompt, options)[0]

    generate = complete

    def candidates(self, prompt: str, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest next tokens after a text, with their probabilities, likeliest first."""
        return self._core.complete(prompt, {"n": 0, "top": k, "stop": []})[1]

    def score(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        """-log p of every token of a text but the first, given those before it, in nats: [tokens - 1]."""
        return self._core.score(text)

    def eval(self, files: Any = None, *, text: str | None = None, batch: int = 1, threads: int = 0) -> Evaluation:
        """Measures the model on a text that it was not trained on, as `sluice eval` does.

        Parameters
        ----------
        files : path or sequence of paths
            Files, folders, files compressed by gzip: read as one text.
        text : str
            The text itself, in the place of files.
        batch : int
            Parts of the text that are read side by side, each from an empty state: more are faster.

        Returns
        -------
        Evaluation
            With ``bits_per_token``, ``nats_per_token``, ``perplexity``, ``recall_at_1``, ``recall_at_3``, ``tokens`` and
            ``unknown``.
        """
        if (files is None) == (text is None):
            raise UsageError("eval: expected files or a text, found " + ("neither" if text is None else "both"))
        if text is None:
            corpus = _core.Corpus.from_files(file_list(files), {}, self._core.vocabulary)
        else:
            corpus = _core.Corpus.from_text(text, {}, self._core.vocabulary)
        return _core.evaluate(self._core, corpus, batch, threads)

    # Numbers

    def predict(self, X: Any, *, batch: int = 32, threads: int = 0, like: str | None = None) -> Any:
        """What it predicts for sequences of numbers, each from an empty state.

        Parameters
        ----------
        X : array [n, T, inputs] or [n, T], or a list of arrays [T_i, inputs] or [T_i]
            Sequences. float64 and integers are converted to float32. The sequences are copied into one buffer.
        like : str, optional
            ``"torch"`` or ``"jax"``: give an array of that library.

        Returns
        -------
        array
            [n, outputs] of a model that predicts for a whole sequence; of one that predicts at each step
            [n, T, outputs], or a list of [T_i, outputs].
        """
        from ._arrays import like as array_like
        from ._sequences import Rows

        rows = Rows(X, channels=self._core.inputs)
        y = rows.predict(self._core, batch=batch, threads=threads)
        if isinstance(y, list):
            return [array_like(one, like) for one in y]
        return array_like(y, like)

    # Streams

    def stream(self, state: Any = None) -> Stream:
        """The model step by step, from the beginning or from a state (a `State` or its bytes) of this model."""
        stream = Stream(self._core)
        if state is not None:
            stream.state = state
        return stream

    def streams(self, n: int) -> StreamBatch:
        """n streams that step together: each has the bits that it has alone, and all are done sooner."""
        return StreamBatch(self._core, n)

    def with_precision(self, precision: str) -> Model:
        """The same model with its weights held in ``"f32"``, ``"bf16"`` or ``"int8"``: smaller and faster to run."""
        return Model(self._core.with_precision(precision), self.name)

    # Files

    def save(self, path: Any, *, force: bool = False) -> None:
        """Writes a ``.safetensors`` file. One that is there already is replaced with ``force=True`` alone."""
        self._core.save(free_path(path, force), force)

    def to_bytes(self) -> bytes:
        """The bytes of such a file; see `Model.from_bytes`."""
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "model") -> Model:
        """A model of the bytes of its file."""
        return cls(_core.Model.from_bytes(bytes(data), name), name)

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """The weights under the names that they have in the file, which are PyTorch's where PyTorch has the layer."""
        return self._core.weights()

    def export(self, path: Any, *, to: str | None = None, force: bool = False) -> None:
        """Writes the model for another system.

        Parameters
        ----------
        path : path
            The file to write.
        to : str, optional
            ``"c"`` (one freestanding C99 file), ``"pytorch"``, ``"onnx"``, ``"keras"``, ``"rtneural"`` or ``"nam"``.
            Without it, the end of `path` decides: ``.c``, ``.onnx``, ``.keras``, ``.nam``.
        """
        path = os.fspath(path)
        ends = {".c": "c", ".onnx": "onnx", ".keras": "keras", ".nam": "nam"}
        if to is None:
            to = ends.get(os.path.splitext(path)[1])
        if to is None:
            raise UsageError(f"export: expected a file that ends in {', '.join(ends)}, or to=, found {path!r}")
        self._core.export(to, free_path(path, force), force)

    def explain(self, text: str, **options: Any) -> Any:
        """The same as `sluice.explain`."""
        from ._explain import explain

        return explain(self, text, **options)

    def __reduce__(self) -> Any:
        return (Model.from_bytes, (self.to_bytes(), self.name))


def _name_of(path: str) -> str:
    return os.path.basename(path).removesuffix(".safetensors")


def load(path: Any) -> Model:
    """Reads a model file, checks every number in it and runs its self-check.

    A file from somebody else is safe to open. Raises `sluice.Error` (an `OSError`) for one that is missing or not what
    it should be.
    """
    path = os.fspath(path)
    return Model(_core.Model.load(path), _name_of(path))


def import_model(path: Any, **options: Any) -> Model:
    """A model of another system: PyTorch, ONNX, Keras, RTNeural, AIDA-X, GuitarML, NAM or RNNoise.

    Parameters
    ----------
    path : path
        Its file.
    **options
        What the file does not say, as `sluice import` has it: ``parts``, ``unused``, ``layout``, ``reset``,
        ``convention``, ``constants``, ``silence``, ``check``, ``tolerance``.
    """
    known = ("parts", "unused", "layout", "reset", "convention", "constants", "silence", "check", "tolerance")
    refuse_unknown(options, known, "import_model()")
    path = os.fspath(path)
    return Model(_core.import_model(path, options), os.path.splitext(os.path.basename(path))[0])


__all__ = ["Model", "State", "Stream", "StreamBatch", "Evaluation", "load", "import_model"]
