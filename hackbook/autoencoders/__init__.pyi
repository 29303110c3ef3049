"""Use what an autoencoder has learned: codes, compression, anomalies, and features from few labels."""

from .codes import code_effects, code_facts, code_splits, decode, encode, interpolate, plot_effects
from .walk_panel import CodeWalk, walk_scripts
from .quantization import code_steps, dequantize, output_changes, pack, quantize, unpack
from .compression import Header, compress, decoder_fingerprint, decompress, read_header
from .rate_curves import RateDistortion, from_sheet, rate_distortion, sheet
from .anomalies import AnomalyDetector, anomaly_detector, forest_detector, leave_out, pca_detector
from .semi_supervised import FewLabels, few_labels
from .detectors import DetectorComparison, compare_detectors
