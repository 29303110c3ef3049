"""From files to a Dataset, and from a Dataset to training, validation and sealed test set."""

from .classes import encode_labels
from .metrics import EPOCH_METRICS, METRICS, QUANTILES, Metric, brier_scores, log_losses, pinball_losses
from .tasks import TASKS, Task, as_task
from .dataset import Dataset, barred, describe_example, plain_column
from .sources import SOURCES, digits, load, mnist, npz
from .similarity import as_days, as_words, column_encoder, encoder, in_batches, numeric_columns, sample
from .similarity import Looks, Neighbors, content_groups, units
from .pictures import augment, look, open_image, orientation, pixels, show_augmented
from .lazy_images import LazyImages, reading
from .tables import complete_rows, feature_columns, parse_times, ratings, rejected_table, role_columns, table, texts
from .splits import SealBroken, Sealed, Splits, split
from .folders import images, read_sound, sounds
from .colored_shapes import SHAPES, shapes
from .reconstruction import Reconstruction, from_scale, known_values, reconstruct, squared_errors, to_scale
