"""Drawings for a jury: the architecture of a network, and the way from data to result."""

from .architecture import architecture_words, draw_architecture
from .blocks import Block, blocks_of
from .way import draw_way
