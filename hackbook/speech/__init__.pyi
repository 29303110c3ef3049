"""Speech: synthetic words, spectrograms and back, words in long recordings, a microphone, spoken digits that are made."""

from .synthesis import spoken_words, VOWELS, WORDS
from .spectrograms import FLOOR, griffin_lim, listen, Listening, log_mel
from .spotting import QUIET, SILENCE, spot, Spotting, UNKNOWN, with_background
from .microphone import loudest_part, Recorder
from .generation import judge, Judgement, Speaker, train_speaker
