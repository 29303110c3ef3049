"""From files to a Dataset, and from a Dataset to training, validation and test parts."""

from . import series
from .encoding import Neighbours, content_groups, encoder, sample
from .dataset import Dataset, SOURCES, digits, encode_labels, load, mnist
from .lazy_images import LazyImages, reading
from .folders import images, npz, sounds
from .tables import ratings, table, texts
from .download import fetch, unpack
from .splits import SealBroken, Sealed, Splits, optimism, split, units
from .augmentation import augment, show_augmented
