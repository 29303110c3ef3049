"""Object detection: pictures with boxes, composed or read from files, and what is wrong with them."""

from .boxes import areas, clipped, ious, letterboxed, turned
from .boxed_images import boxed_grid, BoxedImages, draw_boxes, MAX_BOXES, padded
from .composed_scenes import digits_by_writer, scenes, WRITERS
from .box_labels import BoxLabels, check_boxes, clean_boxes, parse_coco, parse_voc, parse_yolo
from .box_files import read_boxes, write_coco
from .box_panel import BoxPanel   # with the methods of all rooms
