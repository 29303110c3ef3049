"""Take a trained network elsewhere: other file formats, a page without a server, an app."""

from .formats import Format, FORMATS, convert, difference, extra, input_type, keras_outputs
from .formats import load_litert, load_onnx, own_classes, silent, to_onnx
from .engine import Engine, engine_folder, fetch_engine, load_engine
from .browser_page import BrowserDemo, write_demo
from .sketch_panel import Sketch
from .exporting import ExportReport, describe_export, export, milliseconds, random_examples
from .apps import App, demo
