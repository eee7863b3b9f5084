#!/usr/bin/env python3
"""Prints the coefficients of tanh(x) ~ x P(x^2) / Q(x^2) used in src/kernels/lane-inl.h, and their error in f32.

A minimax fit of the relative error on [0, CLAMP] by Lawson's iteratively reweighted least squares (Lawson 1961), the
denominator linearised by its value in the round before. Needs numpy.
"""
import numpy as np

CLAMP, P_DEGREE, Q_DEGREE = 8.6, 4, 4


def fit():
    x = CLAMP * (0.5 - 0.5 * np.cos(np.pi * (np.arange(4000) + 0.5) / 4000))
    target = np.tanh(x)
    u = (x / CLAMP) ** 2
    columns = np.concatenate(
        [(x / CLAMP)[:, None] * u[:, None] ** np.arange(P_DEGREE + 1), -target[:, None] * u[:, None] ** np.arange(1, Q_DEGREE + 1)],
        axis=1)
    weight, q = np.ones_like(x), np.ones_like(x)
    best = (np.inf, None)
    for _ in range(400):
        w = np.sqrt(weight) / (target * q)
        scale = np.linalg.norm(columns * w[:, None], axis=0)
        solution = np.linalg.lstsq(columns * w[:, None] / scale, target * w, rcond=None)[0] / scale
        p = columns[:, : P_DEGREE + 1] @ solution[: P_DEGREE + 1]
        q = 1 + u[:, None] ** np.arange(1, Q_DEGREE + 1) @ solution[P_DEGREE + 1:]
        error = np.abs(p / q - target) / target
        if error.max() < best[0]:
            best = (error.max(), solution.copy())
        weight *= error / error.max() + 1e-3
        weight /= weight.sum()
    scaled = best[1]
    p = scaled[: P_DEGREE + 1] / CLAMP ** (2 * np.arange(P_DEGREE + 1) + 1)
    q = np.concatenate([[1], scaled[P_DEGREE + 1:] / CLAMP ** (2 * np.arange(1, Q_DEGREE + 1))])
    return best[0], p, q


def check(p, q):
    p, q = p.astype(np.float32), q.astype(np.float32)
    x = np.concatenate([np.linspace(1e-6, CLAMP, 2_000_001), np.geomspace(1e-30, 1, 100_001)]).astype(np.float32)
    u = x * x
    fma = lambda a, b, c: (a.astype(np.float64) * b + c).astype(np.float32)
    horner = lambda c: __import__("functools").reduce(lambda s, k: fma(s, u, k), c[::-1][1:], np.full_like(u, c[-1]))
    y = np.minimum((x * horner(p)) / horner(q), np.float32(1))
    true = np.tanh(x.astype(np.float64))
    ulp = np.abs(y - true) / np.spacing(true.astype(np.float32))
    return np.abs(y - true).max(), ulp.max()


if __name__ == "__main__":
    relative, p, q = fit()
    absolute, ulp = check(p, q)
    print(f"minimax relative error {relative:.3g}; in f32: max absolute {absolute:.3g}, max ulp {ulp:.2f}")
    print("P:", ", ".join(f"{c:.9e}f" for c in p))
    print("Q:", ", ".join(f"{c:.9e}f" for c in q))
