"""Find faults in the data, show them, and fix them."""

from .findings import Finding, MARKS, SEVERITIES, findings_frame, findings_table
from .label_issues import find_label_issues
from .repeats import conflicts, duplicates, near_duplicates
from .columns import columns_of, constant_columns, identifiers, missing, missing_codes, mixed_types, outliers
from .media import bad_recordings, bars, blank, lengths, odd_lengths, unreadable
from .classes import alike_classes, imbalance, rare_classes, same_names, suspicious_labels
from .inspection import Inspection, inspect
from .decisions import load_decisions, save_decisions
from .cleaning import FIXES, clean, fix_types, merge_classes
from .previews import as_page, thumbnail, value_range
from .relabeling import Relabel, relabel
from .leakage import (
    Leakage, check_leakage, duplicates_across_parts, fitted_on_everything, giveaways,
    lookalikes_across_parts, near_duplicates_across_parts, same_words_across_parts,
    straddling_groups, straddling_times,
)
from .characteristics import as_column, cut_trait, traits
