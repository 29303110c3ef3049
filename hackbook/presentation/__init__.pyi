"""Write an HTML report of a training run for the jury."""

from .html_report import Report, report
