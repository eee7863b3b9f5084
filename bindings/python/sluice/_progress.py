"""What people see of a training: one line, drawn again and again, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable

from ._core import Report

Progress = Callable[[Report], Any]


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _line(report: Report, validation: float | None, width: int = 20) -> str:
    share = report.update / report.updates if report.updates else 0
    done = round(share * width)
    text = f"epoch {report.epoch}/{report.epochs} [{'#' * done}{'.' * (width - done)}] {share:4.0%}"
    text += f"  loss {report.loss:.4f}"
    if validation is not None:
        text += f"  validation {validation:.4f}"
    if report.tokens_per_second:
        text += f"  {report.tokens_per_second:,.0f}/s"
    if report.kind != "done" and report.seconds_left:
        text += f"  {_duration(report.seconds_left)} left"
    return text


class _Line:
    """Draws no more often than a person can see."""

    def __init__(self) -> None:
        self.validation: float | None = None
        self.drawn = 0.0

    def __call__(self, report: Report) -> None:
        if report.kind in ("warning", "recovery"):
            self.say(report.message)
            return
        if report.kind in ("validation", "done") and report.validation_loss:
            self.validation = report.validation_loss
        now = time.monotonic()
        if report.kind not in ("update", "done") or (report.kind == "update" and now - self.drawn < 0.1):
            return
        self.drawn = now
        self.draw(_line(report, self.validation), report.kind == "done")

    def draw(self, line: str, last: bool) -> None:
        raise NotImplementedError

    def say(self, message: str) -> None:
        raise NotImplementedError


class _Terminal(_Line):
    def draw(self, line: str, last: bool) -> None:
        sys.stderr.write(f"\r\x1b[K{line}" + ("\n" if last else ""))
        sys.stderr.flush()

    def say(self, message: str) -> None:
        sys.stderr.write(f"\r\x1b[K{message}\n")


class _Notebook(_Line):
    def __init__(self) -> None:
        super().__init__()
        from IPython.display import display

        self.display: Any = display
        self.handle: Any = None

    def draw(self, line: str, last: bool) -> None:
        shown = {"text/plain": line}
        if self.handle is None:
            self.handle = self.display(shown, raw=True, display_id=True)
        else:
            self.handle.update(shown, raw=True)

    def say(self, message: str) -> None:
        print(message, file=sys.stderr)


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def reporter(progress: bool | Progress | None) -> Progress | None:
    """Who is told how a training goes on: a function of the caller's, a line that is drawn, or nobody."""
    if callable(progress):
        return progress
    if progress is False:
        return None
    if _in_notebook():
        return _Notebook()
    if progress is True or sys.stderr.isatty():
        return _Terminal()
    return None
