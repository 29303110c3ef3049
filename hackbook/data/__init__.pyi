"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

from .tasks import METRICS, Metric, TASKS, Task, as_task, encode_labels
from .dataset import Dataset, describe_example
from .bundled import SOURCES, digits, load, mnist
from .similarity import (
    Looks, Neighbors, as_days, as_words, content_groups, encoder, in_batches, numeric_columns, sample, units,
)
from .lazy_images import LazyImages, reading
from .folders import images, npz
from .tables import ratings, table, texts
from .series import bundled_series, find_gaps, read_series
from .download import fetch, unpack
from .splits import SealBroken, Sealed, Splits, split
from .augmentation import augment, show_augmented
from .recordings import sounds
