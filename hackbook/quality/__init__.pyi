"""Find faults in the data, show them, and fix them."""

from .label_issues import find_label_issues
from .checks import (
    Finding, SEVERITIES, bad_recordings, blank, conflicts, constant_columns, duplicates,
    identifiers, imbalance, missing, mixed_types, near_duplicates, odd_lengths, outliers,
    rare_classes, suspicious_labels, unreadable,
)
from .inspection import Inspection, inspect
from .cleaning import FIXES, clean, fix_types, load_decisions, save_decisions
from .relabeling import Relabel, relabel
from .leakage import (
    Leak, Leakage, check_leakage, duplicates_across_parts, fitted_on_everything, giveaways,
    near_duplicates_across_parts, straddling_groups, straddling_times,
)
