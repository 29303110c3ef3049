"""Use what an autoencoder has learned: codes, compression, anomalies, and features from few labels."""

from .codes import code_effects, code_facts, code_splits, decode, encode, interpolate, plot_effects
from .anomalies import AnomalyDetector, anomaly_detector, forest_detector, leave_out, pca_detector
from .semi_supervised import FewLabels, few_labels
from .detectors import DetectorComparison, compare_detectors
