"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

from .classes import encode_labels
from .metrics import METRICS, QUANTILES, Metric, brier_scores, log_losses, pinball_losses
from .tasks import TASKS, Task, as_task
from .dataset import Dataset, describe_example, plain_column
from .sources import SOURCES, digits, fetch, load, mnist, npz
from .similarity import as_days, as_words, column_encoder, encoder, in_batches, numeric_columns, sample
from .similarity import Looks, Neighbors, content_groups, units
from .archives import opened, unpack
from .pictures import augment, look, pixels, show_augmented
from .lazy_images import LazyImages, reading
from .table_files import read_rows
from .tables import ratings, table, texts
from .series import times_after, usual_period, step_places, bundled_series, find_gaps, read_series
from .splits import SealBroken, Sealed, Splits, split
from .folders import images, read_sound, sounds
from .series_windows import WindowPlan, Windows, each_series, last_window, naive_forecast, windows
