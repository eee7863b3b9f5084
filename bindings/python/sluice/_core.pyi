"""What the compiled module has; nanobind's stubgen wrote this, and the types of arrays were put in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

_Floats = np.ndarray[Any, np.dtype[np.float32]]
_Doubles = np.ndarray[Any, np.dtype[np.float64]]

__version__: str


def options() -> list[tuple[str, str, str, Any, Any, bool]]:
    """
    Every option of a network and of its training: (name, type, help, default for words, for characters, whether it is of the network).
    """

class Vocabulary:
    """The tokens that a model knows."""

    def __init__(self, tokens: Sequence[str], level: str = 'word', lowercase: bool = False, lossy: bool = False) -> None: ...

    def __len__(self) -> int: ...

    @property
    def tokens(self) -> list[str]: ...

    @property
    def level(self) -> str: ...

    @property
    def lowercase(self) -> bool: ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...

class Model:
    """A network with its vocabulary and notes; copies share the weights."""

    @staticmethod
    def load(path: str) -> Model: ...

    @staticmethod
    def from_bytes(bytes: bytes, name: str = 'model') -> Model: ...

    def to_bytes(self) -> bytes: ...

    def save(self, path: str, force: bool = False) -> None: ...

    def export(self, system: str, path: str, force: bool = False) -> None: ...

    @property
    def config(self) -> dict[str, Any]: ...

    @property
    def cell(self) -> str: ...

    @property
    def reads_text(self) -> bool: ...

    @property
    def inputs(self) -> int: ...

    @property
    def outputs(self) -> int: ...

    @property
    def streams(self) -> bool: ...

    @property
    def parameter_count(self) -> int: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def notes(self) -> dict[str, str]: ...

    @property
    def precision(self) -> str: ...

    @property
    def fingerprint(self) -> int: ...

    def with_precision(self, precision: str) -> Model: ...

    def with_notes(self, notes: Mapping[str, str]) -> Model: ...

    def complete(self, prompt: str, options: dict[str, Any]) -> tuple[str, list[tuple[str, float]], list[str]]: ...

    def score(self, text: str) -> _Floats: ...

    def weights(self) -> dict[str, _Floats]: ...

def make_model(network: dict[str, Any], seed: int, vocabulary: Vocabulary | None = None) -> Model: ...

def import_model(path: str, options: dict[str, Any]) -> Model: ...

def write_file(path: str, text: str, force: bool = False) -> None: ...

class State:
    """
    The memory of a stream, a value.

    ``bytes(state)`` saves it, for this model on any machine; ``State(blob)`` reads it again.
    """

    def __init__(self, bytes: Any) -> None: ...

    def __bytes__(self) -> bytes: ...

    def __eq__(self, arg: object, /) -> bool: ...

    def __reduce__(self) -> tuple[Any, ...]: ...

    @property
    def layers(self) -> list[tuple[_Floats, ...]]:
        """
        For each recurrent layer and direction its states as new arrays [1, units]: (h,), of an LSTM (h, c).
        """

class Stream:
    """
    A model step by step, with a memory of its own. Made by ``model.stream()``.

    One thread at a time may use a stream; many streams may share a model.
    """

    def __init__(self, model: Model) -> None: ...

    @overload
    def step(self, x: Any) -> Any:
        """
        One step: x [inputs] gives the outputs, a new array [outputs]. Of a model of text, x is a token, its number or its text, and the step gives None (see ``probabilities`` and ``top``).
        """

    @overload
    def step(self, x: Any, *, out: _Floats) -> None:
        """The same into an array of one's own."""

    @overload
    def step(self, x: Any, *, like: str | None) -> Any:
        """The same as an array of ``"torch"`` or ``"jax"``."""

    def feed(self, x: Any, *, like: str | None = None) -> Any:
        """
        Many steps: x [steps, inputs] gives [steps, outputs], with the bits of single steps; with like= an array of ``"torch"`` or ``"jax"``. Of a model of text, x is a text or an array of token numbers, and the result None.
        """

    def begin(self) -> bool:
        """Where a text begins: the state before its first token."""

    def reset(self) -> None:
        """The state before the first step."""

    @property
    def probabilities(self) -> _Floats:
        """
        What the last step gave, as a new array: of a model of text the probability of each token.
        """

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest next tokens: (token, probability), likeliest first."""

    def sample(self, *, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0, random: float) -> int:
        """
        The number of a token drawn by ``random``, from 0 to below 1; it is not stepped through.
        """

    @property
    def state(self) -> State:
        """Its memory, a copy. To set it: a State or its bytes, of this model."""

    @state.setter
    def state(self, arg: Any, /) -> None: ...

    @property
    def finite(self) -> bool:
        """Whether no number of its state and last output is NaN or infinite."""

class StreamBatch:
    """
    Many streams on one model that step together. Made by ``model.streams(n)``.
    """

    def __init__(self, model: Model, streams: int) -> None: ...

    def __len__(self) -> int: ...

    def step(self, x: Any, *, like: str | None = None) -> Any:
        """
        One step of every stream: x [streams, inputs] gives [streams, outputs], with like= an array of ``"torch"`` or ``"jax"``; of a model of text, tokens [streams] give probabilities [streams, vocabulary].
        """

    def state(self, stream: int) -> State:
        """The memory of one stream, a copy."""

    def set_state(self, stream: int, state: Any) -> None: ...

    def reset(self, stream: int | None = None) -> None:
        """One stream begins anew, or all."""

class Corpus:
    """A text as token numbers, with their vocabulary."""

    @staticmethod
    def from_files(files: Sequence[str], options: dict[str, Any], vocabulary: Vocabulary | None = None) -> Corpus: ...

    @staticmethod
    def from_text(text: str, options: dict[str, Any], vocabulary: Vocabulary | None = None) -> Corpus: ...

    def __len__(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def unknown(self) -> int: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

class Sequences:
    """
    Many sequences and what is to be predicted for them; a copy of its arrays.
    """

    def __init__(self, x: Any, starts: Sequence[int], *, labels: Any = None, targets: Any = None, weights: Any = None, per_step: bool = False, tokens: bool = False) -> None: ...

    def __len__(self) -> int: ...

def words_vocabulary(words: Sequence[str], min_count: int, shapes: bool) -> Vocabulary:
    """
    The tokens of a tagger. ``shapes``: rarer words become tokens of their shape and their last letters.
    """

def characters_of(words: Sequence[str]) -> str:
    """The characters that words are spelt with."""

def sentences(words: Sequence[str], starts: Sequence[int], vocabulary: Vocabulary, alphabet: str | None = None, labels: Any = None, weights: Any = None) -> Sequences: ...

def with_tags(model: Model, classes: Sequence[str], alphabet: str) -> Model: ...

def alphabet_of(model: Model) -> str: ...

class Table:
    """A table over time: a file, or a copy of columns."""

    def __init__(self, name: str, columns: Sequence[tuple[str, str, Any]]) -> None: ...

    @staticmethod
    def from_file(path: str) -> Table: ...

class Report:
    """How a training goes on, as it tells ``progress``."""

    @property
    def kind(self) -> str:
        """update, validation, recovery, checkpoint, done or warning."""

    @property
    def epoch(self) -> int: ...

    @property
    def epochs(self) -> int: ...

    @property
    def update(self) -> int: ...

    @property
    def updates(self) -> int: ...

    @property
    def tokens(self) -> int: ...

    @property
    def loss(self) -> float: ...

    @property
    def validation_loss(self) -> float: ...

    @property
    def learning_rate(self) -> float: ...

    @property
    def gradient_norm(self) -> float: ...

    @property
    def seconds(self) -> float: ...

    @property
    def tokens_per_second(self) -> float: ...

    @property
    def seconds_left(self) -> float: ...

    @property
    def message(self) -> str: ...

class TrainResult:
    """How a training ended."""

    @property
    def tokens(self) -> int: ...

    @property
    def updates(self) -> int: ...

    @property
    def epochs(self) -> int: ...

    @property
    def threads(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def tokens_per_second(self) -> float: ...

    @property
    def train_loss(self) -> float: ...

    @property
    def validation_loss(self) -> float: ...

    @property
    def guess_loss(self) -> float: ...

    @property
    def worse_than_guess(self) -> bool: ...

    @property
    def stopped(self) -> bool: ...

    @property
    def stopped_early(self) -> bool: ...

class Evaluation:
    """What a model makes of a text."""

    @property
    def tokens(self) -> int: ...

    @property
    def unknown(self) -> int: ...

    @property
    def nats_per_token(self) -> float: ...

    @property
    def bits_per_token(self) -> float: ...

    @property
    def perplexity(self) -> float: ...

    @property
    def recall_at_1(self) -> float: ...

    @property
    def recall_at_3(self) -> float: ...

def train_text(corpus: Corpus, validation: Corpus | None, network: dict[str, Any], training: dict[str, Any], from_model: Model | None, report: Callable[[Report], Any] | None) -> tuple[tuple[Model, TrainResult, BaseException | None], dict[str, Any]]: ...

def train_sequences(model: Model, sequences: Sequences, validation: Sequences | None, training: dict[str, Any], report: Callable[[Report], Any] | None) -> tuple[Model, TrainResult, BaseException | None]: ...

def task_defaults(task: str, sequences: int = 1, batch: int | None = None, direction: str = '') -> tuple[dict[str, Any], dict[str, Any]]: ...

def find_scaling(sequences: Sequences) -> dict[str, list[float]]: ...

def evaluate(model: Model, corpus: Corpus, batch: int = 1, threads: int = 0) -> Evaluation: ...

def predict(model: Model, sequences: Sequences, batch: int = 32, threads: int = 0) -> _Floats: ...

def forecast_defaults() -> dict[str, Any]:
    """What a Forecaster does where its options say nothing."""

class Forecaster:
    """A model that predicts columns of a table, and how the table is read."""

    def __init__(self, table: Table, options: dict[str, Any], network: dict[str, Any], training: dict[str, Any]) -> None: ...

    @staticmethod
    def from_model(model: Model, name: str = 'model') -> Forecaster: ...

    def train(self, report: Callable[[Report], Any] | None) -> tuple[tuple[Model, TrainResult, BaseException | None], dict[str, Any]]: ...

    def predict(self, table: Table, future: Table | None = None, state: str | None = None, with_state: bool = False, threads: int = 0) -> tuple[list[tuple[str, list[str], _Doubles]], str | None, int]: ...

    def detect(self, table: Table, state: str | None = None, with_state: bool = False) -> tuple[_Doubles, _Doubles, list[int], list[str], list[str], str | None]: ...

    def evaluate(self, table: Table, training: Table | None = None, threads: int = 0) -> dict[str, Any]: ...

    @property
    def detects(self) -> bool: ...

    @property
    def targets(self) -> list[str]: ...

    @property
    def horizon(self) -> int: ...

    @property
    def quantiles(self) -> list[float]: ...

    @property
    def windows(self) -> int: ...

def explain_json(model: Model, text: str, options: dict[str, Any], name: str) -> str: ...

def page(explanation: str) -> str: ...

class Tape:
    def backward(self, dy: Any, dh: Any, dc: Any, needs_x: bool, needs_states: bool) -> tuple[list[_Floats], Any, Any, Any]: ...

class Layers:
    def __init__(self, options: dict[str, Any]) -> None: ...

    @property
    def gates(self) -> int:
        """Blocks of hidden_size rows in a weight."""

    @property
    def states(self) -> int:
        """1, of an LSTM 2."""

    def forward(self, x: Any, weights: Sequence[_Floats], lengths: Any, h0: Any, c0: Any, keep: bool, seed: int) -> tuple[_Floats, _Floats, Any, Tape | None]: ...

def set_num_threads(threads: int) -> None: ...

def get_num_threads() -> int: ...
