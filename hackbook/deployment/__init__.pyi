"""Take a trained network elsewhere: into other file formats, each checked against Keras."""

from .formats import Format, FORMATS, convert, difference, extra, input_type, keras_outputs
from .formats import load_litert, load_onnx, own_classes, silent, to_onnx
from .exporting import ExportReport, describe_export, export, milliseconds, random_examples
