"""What the jury sees."""

from .html_report import Report, report
