"""Results to one self-contained HTML page: `gather` -> `Content` -> `write_report`; `make_report` does it all.

This room sees every measure and method through their public types, and no other door to them (command line, server).
Neither a `Content` nor writing it needs torch; gathering does.
"""

from nolabel.report.content import Content
from nolabel.report.writing import write_report

__all__ = ["Content", "write_report"]
