"""From a Keras model to a Run: hyperparameters, schedules, checkpoints, fit."""

from . import regularization
from .hyperparameters import Hyperparameters, RANGES, attach, smooth_labels
from .layer_rates import check_rates, layerwise_decay, scale_rates
from .batches import Batches, check_batch_size, in_order
from .schedules import SCHEDULES
from .compilation import check_model, check_options, compile_model
from .checkpoints import assign, load_checkpoint, restore, save_checkpoint, snapshot, values
from .runs import Run, RunComparison, compare_runs, describe, list_runs, load_run, renamed
from .lr_finder import LearningRates, find_lr
from .divergence import Diverged, first_to_break
from .replay import ReplayChanges
from .fitting import check_fit, fit
from .regularization import plot_regularization
