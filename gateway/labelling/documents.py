"""Documents that carry labels, each in the place TC260-PG-20258A names, or the nearest to it."""

from dataclasses import replace

from gateway.labelling.container import Format
from gateway.labelling.documents_line import (
    excel_line,
    html_line,
    markdown_line,
    powerpoint_line,
    refuse_json_line,
    text_line,
    word_line,
)
from gateway.labelling.documents_office import DOCX, PPTX, XLSX
from gateway.labelling.documents_pdf import PDF
from gateway.labelling.documents_pdf_line import show_line
from gateway.labelling.documents_text import HTML, JSON, MARKDOWN, TEXT

# Text nearly last: what is in letters and has no known name is refused as text, and not taken for Markdown.
# Front matter would break a table or a program.
FORMATS: tuple[Format, ...] = (
    replace(DOCX, show=word_line),
    replace(XLSX, show=excel_line),
    replace(PPTX, show=powerpoint_line),
    replace(PDF, show=show_line),
    replace(HTML, show=html_line),
    replace(JSON, show=refuse_json_line),
    replace(TEXT, show=text_line),
    replace(MARKDOWN, show=markdown_line),
)
