"""Write an HTML report of a training run for the jury; ask what only people know."""

from .html_report import Report, report
from .answers import Answers, ask, load_answers
from .slides import MINUTES, Slide, timed
from .presenting import Deck, present
