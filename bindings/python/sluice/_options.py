"""The keyword arguments of `sluice.train`, typed. A test compares them with the library's lists."""

from __future__ import annotations

from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """What a network is made of and how it is trained."""

    cell: str | None
    layers: int | None
    hidden: int | None
    embedding: int | None
    tied: bool | None
    dropout: float | None
    input_dropout: float | None
    weight_dropout: float | None
    activation: str | None
    forget_bias: float | None
    epochs: int | None
    batch: int | None
    steps: int | None
    optimizer: str | None
    learning_rate: float | None
    momentum: float | None
    beta1: float | None
    beta2: float | None
    epsilon: float | None
    precision: str | None
    weight_decay: float | None
    clip_norm: float | None
    ema_decay: float | None
    calibrate_temperature: bool | None
    state_reset: float | None
    reset_at: str | None
    frequency_bias: bool | None
    schedule: str | None
    warmup: int | None
    final_rate: float | None
    plateau_factor: float | None
    plateau_patience: int | None
    validation_split: float | None
    patience: int | None
    max_seconds: float | None
    seed: int | None
    threads: int | None
    checkpoint: str | None
    checkpoint_seconds: float | None
    resume: bool | None
    stack: list[dict[str, Any]] | None
    head: dict[str, Any] | None
