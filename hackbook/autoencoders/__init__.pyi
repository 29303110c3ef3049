"""Use what an autoencoder has learned: codes, compression, anomalies, and features from few labels."""

from .codes import code_effects, code_facts, code_splits, decode, encode, interpolate, plot_effects
from .walk_panel import CodeWalk, walk_scripts
