"""Documents that carry labels, each in the place TC260-PG-20258A names, or the nearest to it."""

from gateway.labelling.container import Format
from gateway.labelling.documents_office import DOCX, PPTX, XLSX
from gateway.labelling.documents_pdf import PDF
from gateway.labelling.documents_text import HTML, JSON, MARKDOWN, TEXT

# Text last: nearly everything without control characters looks like it.
FORMATS: tuple[Format, ...] = (DOCX, XLSX, PPTX, PDF, HTML, JSON, MARKDOWN, TEXT)
