"""From a Keras model to a Run: options, schedules, checkpoints, and what can change on the way."""

from . import regularization, runs
from .hyperparameters import Knobs, RANGES, attach, smooth_labels
from .batches import Batches, in_order
from .schedules import SCHEDULES
from .checkpoints import load_checkpoint, restore, save_checkpoint, snapshot
from .divergence import Diverged
from .lr_finder import LearningRates, find_lr
from .replay import Moves
from .fitting import fit
