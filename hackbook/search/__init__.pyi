"""Search for good hyperparameters within a budget."""

from .parameters import Parameter
from .space import SPACES, Space, default_space
from .explorer import Explorer, Study, explore, load_study
from .tuning import tune
