"""Files before they are data: download them, unpack archives, and read rows."""

from .downloads import fetch, sha256_of
from .archives import opened, other_kind, try_files, unpack
from .table_files import READERS, numbers_in, read_rows
