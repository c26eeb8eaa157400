"""What networks learn from: pictures as batches of crops, each a pure function of its step."""

from crispen.lab.data.batches import Batch, Batches
from crispen.lab.data.opening import batches_of, open_batches
from crispen.lab.data.tables import (
    DATA,
    CifarTable,
    DataKind,
    DataTable,
    FolderTable,
    NamedTable,
    PackTable,
    PairsTable,
    ToyTable,
    VideoTable,
)

__all__ = [
    "DATA",
    "Batch",
    "Batches",
    "CifarTable",
    "DataKind",
    "DataTable",
    "FolderTable",
    "NamedTable",
    "PackTable",
    "PairsTable",
    "ToyTable",
    "VideoTable",
    "batches_of",
    "open_batches",
]
