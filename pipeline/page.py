"""HTML pages that need nothing but themselves: one style, tables, figures. Charts for them: `pipeline.charts`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:1120px;margin:24px auto;padding:0 16px;background:#fff}
h1{font-size:26px;margin:0}h2{font-size:20px;margin:34px 0 8px;border-bottom:1px solid #d9dee4;padding-bottom:4px}
h3{font-size:15px;margin:0 0 4px}.sub{color:#5b6770;margin:0 0 18px}.cols{display:flex;flex-wrap:wrap;gap:24px}
.cols>div{max-width:520px}figure{margin:0 0 12px;max-width:530px}figcaption{font-size:13px;color:#5b6770}
svg{max-width:100%;height:auto}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:8px 0}
td,th{padding:3px 14px 3px 0;text-align:right;border-bottom:1px solid #eceff2}
td:first-child,th:first-child{text-align:left}th{font-weight:600;color:#5b6770}
@media print{body{margin:0}}
"""


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """A whole page of HTML parts; `style` is CSS on top of the common one. The title is text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{_STYLE}{style}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def figure(title: str, picture: str, caption: str) -> str:
    """A picture (HTML) with a title above and words below, both HTML."""
    return f"<figure><h3>{title}</h3>{picture}<figcaption>{caption}</figcaption></figure>"
