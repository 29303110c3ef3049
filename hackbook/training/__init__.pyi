"""From a Keras model to a Run: options, hyperparameters, schedules, checkpoints, fit."""

from .schedules import SCHEDULES
from .options import TrainingOptions, check_names, make_options, renamed, takes_options
from .batches import Batches, as_array, check_batch_size, check_examples, check_splits, in_order
from .sites import smooth_labels
from .hyperparameters import Hyperparameters, RANGES, ReplayChanges, attach
from .compilation import as_compiled, check_rates, compile_model, layerwise_decay, scale_rates
from .checkpoints import assign, load_checkpoint, restore, save_checkpoint, snapshot, values
from .runs import Run, describe, load_run
from .several_runs import RunComparison, compare_runs, list_runs
from .lr_finder import LearningRates, find_batch_size, find_lr
from .divergence import Diverged, first_to_break
from .fitting import fit
