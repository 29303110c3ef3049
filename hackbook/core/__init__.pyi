"""What every other package stands on: errors, arrays, files, figures, HTML, times."""

from .base import (
    Figure, FULL, HackbookError, InvalidValue, Lazy, NotFound, PALETTE, aligned, atomic, card,
    check_seed, exercise, fingerprint, image_grid, label, load_keras, load_record, make_folder,
    require, rows, save_record, set_seed, stack, subplots,
)
from .durations import deadline, seconds, span
