"""Networks as short functions: each returns a plain Keras model."""

from .image import cnn, require_splits, resnet, STRIDES, usual_filters
from .finetuning import backbone, freeze, layer_fractions, layer_table, unfreeze, weighted_layers
from .compatibility import (
    build_weights, check_activation, check_kind, check_model, check_probabilities, explained, explanation,
    in_smaller_batches, OutOfMemory, ran_out, reason, shapes,
)
from .tabular import column_kind, date_days, mlp, table_array, takes_tables, word_codes
from .raw_files import Inputs, describe_input, input_facts, path_list
from .raw_input import as_raw, as_trained, is_computed
from .prediction import LOGITS, Predictions, as_probabilities, at_least_float32, check_outputs
from .prediction import check_one_each, predictions_of, tempered
from .saved import WEIGHTS, WHOLE, load_model, load_weights, save_model
from .sequence import rnn, tcn
from .bands import BANDS, LEVELS, MEDIAN, Forecasts, band_factors, band_scores, bands_record, calibrated
from .bands import conformal_quantile, forecasts_of, stretched, with_bands
from .autoencoders import KINDS, autoencoder, decoder, encoder
from .reconstructions import Reconstructions, reconstructions_of
from .detection import Detections, detections_of, detector, LEAST_SCORE
from .sound_network import sound
