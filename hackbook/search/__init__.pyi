"""Search for good hyperparameters within a budget."""

from .space import Parameter, SPACES, Space, default_space
from .explorer import Explorer, Study, explore, load_study
from .tuning import tune
