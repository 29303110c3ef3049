"""Take a trained network elsewhere: into other file formats, each checked against Keras."""

from .formats import difference, extra, input_type, keras_outputs, load_onnx, silent, to_onnx
