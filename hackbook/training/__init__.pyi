"""From a Keras model to a Run: hyperparameters, schedules, checkpoints, fit."""

from . import regularization
from .schedules import SCHEDULES
from .options import TrainingOptions, check_batch_size, check_names, renamed, takes_options
from .batches import Batches, in_order
from .hyperparameters import Hyperparameters, RANGES, ReplayChanges, attach, smooth_labels
from .layer_rates import check_rates, layerwise_decay, scale_rates
from .compilation import check_model, compile_model
from .checkpoints import assign, load_checkpoint, restore, save_checkpoint, snapshot, values
from .runs import Run, RunComparison, compare_runs, describe, list_runs, load_run
from .lr_finder import LearningRates, find_lr
from .divergence import Diverged, first_to_break
from .fitting import fit
from .regularization import plot_regularization
