"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

from .tasks import METRICS, Metric, TASKS, Task, as_task, brier_scores, encode_labels, log_losses
from .dataset import Dataset, describe_example, plain_column
from .sources import SOURCES, digits, fetch, load, mnist, npz
from .similarity import as_days, as_words, column_encoder, encoder, in_batches, numeric_columns, sample
from .similarity import Looks, Neighbors, content_groups, units
from .archives import opened, unpack
from .pictures import augment, look, pixels, show_augmented
from .lazy_images import LazyImages, reading
from .table_files import read_rows
from .tables import ratings, table, texts
from .series import bundled_series, find_gaps, read_series
from .splits import SealBroken, Sealed, Splits, split
from .folders import images, read_sound, sounds
