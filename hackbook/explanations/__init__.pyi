"""Show what a network looked at, and test whether the explanation can be trusted."""

from .explanation import words
from .activation_maps import activation_map, last_spatial_layer
from .path_gradients import integrated_gradients
from .occlusion import occlude, occlude_words
from .explaining import attribute, METHODS, reference_of
from .explanation_checks import explain, Explanation, ExplanationCheck, shuffled   # with check
from .embeddings import activations, embedding_map, EmbeddingMap, first_layer_filters
