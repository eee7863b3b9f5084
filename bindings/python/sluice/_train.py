"""Training of language models on text files; the options are those of the library's own lists."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import Interrupted, UsageError
from ._model import Model, file_list, free_path, refuse_unknown
from ._progress import Progress, reporter

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options

_OPTIONS = _core.options()
_NETWORK = ("inputs", "outputs", "stack", "head")
_NETWORK_NAMES = {name for name, *_, of_network in _OPTIONS if of_network} | set(_NETWORK)


def split_options(options: dict[str, Any], what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments as those of a network and those of its training."""
    refuse_unknown(options, [name for name, *_ in _OPTIONS] + list(_NETWORK), what)
    given = {name: value for name, value in options.items() if value is not None}
    network = {name: value for name, value in given.items() if name in _NETWORK_NAMES}
    return network, {name: value for name, value in given.items() if name not in network}


def _checkpoint_beside(path: str) -> str:
    """A free name for the checkpoint of a training that was stopped."""
    name = os.path.basename(os.path.normpath(path)) or "training"
    for number in range(1, 1000):
        free = f"{name}.checkpoint" if number == 1 else f"{name}.{number}.checkpoint"
        if not os.path.exists(free):
            return free
    raise UsageError("checkpoint: expected a free name in this folder, found 999 checkpoints")


def trained_note(material: dict[str, Any], settings: dict[str, Any], result: Any) -> str:
    """What a model's file says of its training: on what, with which options, and how it ended."""
    note = {
        "sluice": _core.__version__,
        **material,
        "options": settings,
        "epochs": result.epochs,
        "updates": result.updates,
        "tokens": result.tokens,
        "train_loss": result.train_loss,
        "validation_loss": result.validation_loss,
        "guess_loss": result.guess_loss,
    }
    return json.dumps(note, separators=(",", ":"))


def train(
    files: Any = None,
    *,
    text: str | None = None,
    level: str = "word",
    validation: Any = None,
    from_model: Model | None = None,
    output: Any = None,
    force: bool = False,
    progress: bool | Progress | None = None,
    lowercase: bool = False,
    lossy: bool = False,
    min_count: int = 0,
    max_vocabulary: int = 0,
    **options: Unpack[Options],
) -> Model:
    given: dict[str, Any] = dict(options)
    network, training = split_options(given, "train()")
    if (files is None) == (text is None):
        raise UsageError("train: expected files or a text, found " + ("neither" if text is None else "both"))
    if from_model is not None and not from_model.reads_text:
        raise UsageError("train: expected from_model of text, found one on numbers")
    how = {"level": level, "lowercase": lowercase, "lossy": lossy, "min_count": min_count,
           "max_vocabulary": max_vocabulary}
    if output is not None:
        output = free_path(output, force)
    if text is None:
        names = file_list(files)
        corpus = _core.Corpus.from_files(names, how, _known_tokens(from_model))
    else:
        names = ["text"]
        corpus = _core.Corpus.from_text(text, how, _known_tokens(from_model))
    held_out = None
    if validation is not None:
        held_out = _core.Corpus.from_files(file_list(validation), how, corpus.vocabulary)

    checkpoint = training.get("checkpoint")
    folder = None
    if checkpoint is None and output is not None:
        checkpoint = f"{output}.checkpoint"
    if checkpoint is None:
        folder = tempfile.mkdtemp(prefix="sluice-")
        checkpoint = os.path.join(folder, "checkpoint")
        # Written where training is stopped; meanwhile there is no need to.
        training.setdefault("checkpoint_seconds", 1e9)
    training["checkpoint"] = os.fspath(checkpoint)
    try:
        (core, result, raised), settings = _core.train_text(
            corpus, held_out, network, training, None if from_model is None else from_model._core, reporter(progress)
        )
        if raised is not None or result.stopped:
            stopped = raised is None or isinstance(raised, KeyboardInterrupt)
            if stopped and folder is not None and os.path.exists(training["checkpoint"]):
                kept = _checkpoint_beside(names[0])
                shutil.move(training["checkpoint"], kept)
                training["checkpoint"] = kept
            _raise_stopped(raised, training["checkpoint"])
        notes = dict(core.notes)
        material = {"text": os.path.basename(corpus.name), "text_tokens": len(corpus), "text_unknown": corpus.unknown}
        notes["trained"] = trained_note(material, settings, result)
        name = os.path.splitext(os.path.basename(os.path.normpath(names[0])))[0] if output is None else output
        model = Model(core.with_notes(notes), os.path.basename(name).removesuffix(".safetensors"))
        if output is not None:
            model.save(output, force=force)
        if folder is None and os.path.exists(training["checkpoint"]):
            os.remove(training["checkpoint"])
        return model
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _known_tokens(model: Model | None) -> Any:
    return None if model is None else model._core.vocabulary


def _raise_stopped(raised: BaseException | None, checkpoint: str) -> None:
    saved = os.path.exists(checkpoint)
    if raised is None or isinstance(raised, KeyboardInterrupt):
        how = f"training was stopped; go on with checkpoint={checkpoint!r} and resume=True"
        stopped = Interrupted(how if saved else "training was stopped before its first update")
        stopped.checkpoint = checkpoint if saved else None
        raise stopped from raised
    raise raised


def _default(words: Any, characters: Any) -> str:
    return f"{words!r}" if words == characters else f"{words!r}; of characters {characters!r}"


_DOC = """Trains a language model on text files, with the defaults and the bits of ``sluice train``.

    Ctrl-C stops and saves: the exception, `sluice.Interrupted`, has the path of the checkpoint from which the same call
    with ``checkpoint=`` that path and ``resume=True`` goes on.

    Parameters
    ----------
    files : path or sequence of paths
        Files, folders, files compressed by gzip: read as one text in UTF-8.
    text : str
        The text itself, in the place of files.
    level : str
        What a token is: ``"word"``, ``"char"`` or ``"pretokenized"`` (already split by spaces).
    validation : path or sequence of paths, optional
        What to validate on, in the place of the last part of the text.
    from_model : Model, optional
        A trained model to train further.
    output : path, optional
        Where the model is saved too; ``force=True`` replaces a file.
    progress : bool or callable, optional
        False: nothing is shown. A function is called with a `Report` at least at every update; where it returns False,
        training stops as by Ctrl-C. By default a line is drawn in a terminal and in a notebook.
    lowercase, lossy : bool
        Fold case; replace invalid UTF-8 instead of refusing it.
    min_count, max_vocabulary : int
        Rarer tokens become ``<unk>`` (0: 2 for words, else 1); the most tokens to keep (0: no limit).
{options}

    Returns
    -------
    Model

    Examples
    --------
    >>> model = sluice.train(text="to be or not to be\\n" * 50, level="char", hidden=16, epochs=1, seed=1)
    >>> model.level
    'char'
    """


def _documented() -> str:
    lines = []
    for name, kind, help, words, characters, _ in _OPTIONS:
        text = help or "see the library's list"
        lines.append(f"    {name} : {kind}, default {_default(words, characters)}\n        {text[0].upper()}{text[1:]}.")
    return _DOC.format(options="\n".join(lines))


def _signature() -> inspect.Signature:
    own = [p for p in inspect.signature(train).parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind, *_ in _OPTIONS]
    return inspect.Signature(own + more, return_annotation="Model")


train.__doc__ = _documented()
train.__signature__ = _signature()  # type: ignore[attr-defined]

__all__ = ["train"]
