"""The device that trains: what it is, its memory, and the rules that follow from both."""

from .description import Card, Device, cards_now, device_line, has_card, training_device, words
from .memory import CardShare, has_outgrown, limit_memory, share_card, share_first
from .compiling import Pace, can_compile, compile_seconds, compile_steps, compiling_pays, supports_xla
from .batch_sizes import USUAL, example_bytes, first_size, halvings, largest_batch_size, scaled_rate, usual_batch_size
from .determinism import be_deterministic, bits_repeat
from .doctor import DeviceReport, Timing, examine
from .feeding import ahead, device_of, feed, vectorizing
