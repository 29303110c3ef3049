"""Features as scikit-learn pipelines, fitted on the training set alone."""

from .pipelines import Prepared, TrainOnly, computed, guard, pca, scale, transform
from .codes import Autoencoder, autoencoder
from .cross_validation import FeatureComparison, compare_features
from .selection import Ranking, rank, select
from .plots import correlation, embedding, explained_variance, pair_plot
from .stored_pipelines import as_record, from_record
