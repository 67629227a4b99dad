"""Results to one self-contained HTML page: `gather` -> `Content` -> `page.render`; `write_report` puts it on disk.

This room sees every measure and method through their public types, and no other door to them (command line, server).
"""

from nolabel.report.content import Content
from nolabel.report.writing import write_report

__all__ = ["Content", "write_report"]
