"""Write a deck for the jury, a report, a model card, and a competition file."""

from .html_report import Report, beside_baselines, report
from .answers import Answers, ask, load_answers
from .slides import MINUTES, Slide, timed
from .presenting import Deck, present
from .card import Card, model_card
from .competition import Submission, submission
