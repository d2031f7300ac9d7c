"""Parity plots: what a potential says against what DFT says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.frames.frame import Frame
from limlff.training.frame_predictions import FramePrediction
from limlff.training.metrics import label_pairs

_TITLES = {
    "energy": ("energy", "meV/atom"),
    "force": ("force component", "eV/Å"),
    "stress": ("stress component", "GPa"),
}


def plot_parity(
    folder: Path, frames: list[Frame], predictions: list[FramePrediction]
) -> list[Path]:
    """Draw one figure per kind of label, coloured by group.

    Args:
        folder: Where `parity-energy.png` and so on go; made if missing.
        frames: Labelled frames.
        predictions: Of the same frames.

    Returns:
        The files; none for a label that no frame has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _plot_label(folder, label, frames, predictions)
        for label in _TITLES
        if label_pairs(label, frames, predictions)[0].size
    ]


def _plot_label(
    folder: Path, label: str, frames: list[Frame], predictions: list[FramePrediction]
) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    parity, residual = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    name, unit = _TITLES[label]
    for group in sorted({frame.group for frame in frames}):
        chosen = [i for i, frame in enumerate(frames) if frame.group == group]
        true, predicted = label_pairs(
            label, [frames[i] for i in chosen], [predictions[i] for i in chosen]
        )
        if true.size:
            style = {"marker": ".", "markersize": 3, "linestyle": "none", "alpha": 0.6}
            error = float(np.mean(np.abs(predicted - true)))
            title = f"{group or 'all'}: MAE {error:.3g}"
            parity.plot(true, predicted, label=title, **style, rasterized=True)
            residual.plot(true, predicted - true, **style, rasterized=True)
    low, high = parity.get_xlim()
    parity.plot([low, high], [low, high], color="black", lw=0.7, zorder=0)
    residual.axhline(0, color="black", lw=0.7, zorder=0)
    parity.set_ylabel(f"potential ({unit})")
    parity.set_title(f"{name}")
    residual.set_ylabel("difference")
    residual.set_xlabel(f"DFT ({unit})")
    parity.legend(frameon=False, fontsize=7, markerscale=3)
    target = folder / f"parity-{label}.png"
    with replaced_when_whole(target) as temporary:
        figure.savefig(temporary, dpi=150)
    return target
