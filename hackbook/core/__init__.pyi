"""What the other packages use: errors, Keras, files, arrays, figures, durations, intervals."""

from .errors import HackbookError, InvalidValue, NotFound, require
from .backend import check_seed, let_memory_grow, load_keras, set_seed, stderr_to_log
from .files import atomic, file_kind, load_record, make_folder, move, save_record, unpacked
from .files import way_out
from .arrays import Lazy, aligned, fingerprint, in_chunks, is_image, one_column, require_images, rows
from .arrays import short_float, stack
from .figures import Figure, PALETTE, image_grid, inches, label_axes, page_is_dark, set_theme, subplots, wrapped
from .html import card, data_uri, script, style
from .exercises import exercise
from .durations import deadline, seconds, span
from .intervals import bootstrap, check_confidence, count_drawn, drawn_as_one, draws, fold_interval, optimism
from .intervals import FEW_UNITS, per_draw, percentiles, resampled, wilson
from .overrides import Overridden, override
from .mailbox import Bell, Mailbox
from .boxes import assigned, box_iou, cell_centers, center_overlaps, detection_losses, detections, grid_boxes, grid_shape, STRIDE
from .notebook import frontend, hearing, hearing_note, in_notebook, keep_metadata, progress_line
from .notebook import running_shell, show_widget, UNTRUSTED
from .keras_internals import (
    all_layers, averages, add_seed_generator, calls_before, chooses_subshell, CLIP, CURRENT_RATE,
    forget_validation_data, hear_in_subshell, is_spatial, logits_of, makes_subshells, may_ask, missing_internals,
    new_subshell, overridden_method, own_variables, plain_method, rate_or_schedule,
    spatial_noise_shape, take_thread_settings, thread_settings, times_called, variable_key, INPUT_CHECK, WEIGHT_DECAY,
)
