"""Features as scikit-learn pipelines, fitted on the training part alone."""

from .pipelines import Autoencoder, TrainOnly, autoencoder, guard, pca, scale, transform
from .cross_validation import Comparison, compare
from .selection import Ranking, rank, select
from .plots import correlation, embedding, explained_variance, pair_plot
