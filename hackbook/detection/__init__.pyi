"""Object detection: pictures with boxes, composed or read from files, what is wrong with them, and how detections score."""

from .boxes import areas, clipped, ious, letterboxed, turned
from .boxed_images import boxed_grid, BoxedImages, draw_boxes, MAX_BOXES, padded
from .composed_scenes import digits_by_writer, scene_splits, scenes, WRITERS
from .box_labels import BoxLabels, check_boxes, clean_boxes, parse_coco, parse_voc, parse_yolo
from .box_files import read_boxes, write_coco
from .matching import check_detections, IOU_THRESHOLDS, match_boxes, match_detections, Matches
from .average_precision import drawn_precisions, mean_precisions, precision_recall, precisions_of, RECALLS
from .scene_errors import detection_kinds, errors_by_scene, KINDS, missed_boxes
from .detection_results import check_threshold, SCORE_WORDS
from .result_plots import error_words, scene_boxes
from .threshold_panel import DetectionEvaluation, ThresholdPanel   # with the methods of all rooms
from .box_panel import BoxPanel   # with the methods of all rooms
