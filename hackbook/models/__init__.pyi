"""Networks as short functions; each returns a plain Keras model."""

from .image import cnn
from .finetuning import backbone, check_rates, frame, freeze, layer_rates, scale_rates, unfreeze
