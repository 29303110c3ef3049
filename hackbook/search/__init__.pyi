"""Search for good hyperparameters within a budget."""

from .space import Parameter, SPACES, Space, default_space
from .study import load_study
from .explorer import Explorer, Study, explore
from .tuning import tune
