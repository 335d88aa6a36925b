"""Documents that carry labels, each in the place TC260-PG-20258A names, or the nearest to it."""

from gateway.labelling.container import Format
from gateway.labelling.documents_office import DOCX, PPTX, XLSX

FORMATS: tuple[Format, ...] = (DOCX, XLSX, PPTX)
