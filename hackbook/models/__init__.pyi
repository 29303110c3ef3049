"""Networks as short functions: each returns a plain Keras model."""

from .image import cnn
from .finetuning import backbone, freeze, layer_fractions, layer_table, unfreeze, weighted_layers
from .compatibility import (
    build_weights, check_activation, check_kind, check_model, explained, explanation, OutOfMemory, reason, shapes,
)
from .saved import WEIGHTS, WHOLE, load_model, load_weights, save_model
