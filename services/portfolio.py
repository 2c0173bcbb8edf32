"""The portfolio as Loop exports it and French Excel saves it -> records."""

import csv
import io

from services.dossiers import DossierRecord
from services.errors import Refused

COLUMNS = {
    "code": "code",
    "raison sociale": "company",
    "siren": "siren",
    "commune": "commune",
    "agence": "agency",
    "collaborateur": "collaborateur",
}


def read_csv(content: bytes) -> list[DossierRecord]:
    """The records of a CSV file (`;`, UTF-8 with or without BOM). Refused("portfolio_columns") names what is missing."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    heads = [COLUMNS.get(head.strip().casefold()) for head in next(rows, [])]
    missing = [name for name, field in COLUMNS.items() if field not in heads]
    if missing:
        raise Refused("portfolio_columns", missing=", ".join(missing))
    return [
        DossierRecord(**{field: cell.strip() for field, cell in zip(heads, row, strict=False) if field}) for row in rows
    ]
