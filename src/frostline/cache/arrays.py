"""Files of ragged arrays: the states of texts of different lengths, written batch by batch, read text by text."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from frostline.cache.checksums import RECORD_LAYOUT, intact_records, read_text_records
from frostline.cache.entry import STATES, TEXTS, Damaged, Entry
from frostline.cache.locks import LockableFile

RECORD_DTYPE = np.dtype([("row", "<i8"), ("length", "<i4"), ("width", "<i4"), ("left", "<i4"), ("sum", "<u4")])
Index = NDArray[np.int64]
Values = NDArray[Any]


class StatesWriter:
    """Writes the share of one process in an entry, and continues that of a killed process after its last full batch.

    share: for example `1of2`.

    Attributes:
        batches: how many batches are completely written.
    """

    def __init__(self, folder: Path, share: str, dtype: Literal["float32", "float16"]) -> None:
        self.dtype, flags = np.dtype(dtype), os.O_RDWR | os.O_CREAT
        self.states = LockableFile(folder / f"{STATES}{share}.bin", flags)
        self.texts = LockableFile(folder / f"{TEXTS}{share}.bin", flags)
        has_content = any(os.fstat(file.fd).st_size for file in (self.states, self.texts))
        self.batches = self._recover() if has_content else 0

    def _recover(self) -> int:
        """Truncate the files after the last full batch and return the number of batches.

        All checksums are verified, because a machine that lost power may not have written all that it reported.
        """
        batches = state_bytes = texts = 0
        records = read_text_records(self.texts.path)
        with self.states.path.open("rb") as file:
            for count, text in enumerate(intact_records(file, records, self.dtype.itemsize), 1):
                if text.left == 0:
                    batches, state_bytes, texts = batches + 1, file.tell(), count
        for opened, size in ((self.states, state_bytes), (self.texts, texts * RECORD_LAYOUT.size)):
            os.ftruncate(opened.fd, size)
            os.lseek(opened.fd, size, os.SEEK_SET)
        return batches

    def append(self, rows: Index, lengths: Index, values: Tensor) -> None:
        """Append a batch: rows (B,), lengths (B,), values (sum of lengths, D), text after text.

        Raises:
            OSError: the disk reports an error, or a value is too large for the dtype.
        """
        flat, records = self._cast(values), np.empty(len(rows), RECORD_DTYPE)
        ends = np.cumsum(lengths).tolist()
        assert ends[-1] == len(flat)
        records["row"], records["length"], records["width"] = rows, lengths, flat.shape[1]
        records["left"] = np.arange(len(rows))[::-1]
        records["sum"] = [zlib.crc32(_bytes_of(flat[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]
        _write_all(self.states.fd, _bytes_of(flat))
        _write_all(self.texts.fd, _bytes_of(records))
        self.batches += 1

    def _cast(self, values: Tensor) -> Values:
        array = values.numpy()
        with np.errstate(over="ignore"):
            flat = np.ascontiguousarray(array.astype(self.dtype, copy=False))
        if flat.dtype != array.dtype and (np.isinf(flat) & np.isfinite(array)).any():
            raise OSError(errno.ERANGE, f"a number is too large for {self.dtype.name}", str(self.states.path))
        return flat

    def close(self) -> dict[str, int]:
        """Flush and close the files; return their names and sizes in bytes."""
        sizes = {}
        for file in (self.states, self.texts):
            os.fsync(file.fd)
            sizes[file.path.name] = os.fstat(file.fd).st_size
            file.close()
        return sizes


def _bytes_of(values: Values) -> memoryview:
    return values.view(np.uint8).reshape(-1).data


def _write_all(fd: int, content: memoryview) -> None:
    while content:
        content = content[os.write(fd, content) :]


class StatesReader:
    """Reads a complete entry, which is in use as long as the reader exists.

    The checksum of each text is verified whenever it is read. The files are not memory-mapped, because a truncated file
    or a failing disk would then kill the process.

    Raises:
        Damaged: the files are not those that were written.
        OSError: the files do not exist.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry, self.lock = entry, entry.lock_for_reading()
        manifest = entry.manifest()
        if manifest is None:
            raise Damaged(f"'{entry.path}' is not complete")
        self.dtype = np.dtype(manifest["dtype"])
        self.states = [LockableFile(entry.path / name.replace(TEXTS, STATES)) for name in manifest["sums"]]
        shares = [self._read_records(name, crc) for name, crc in manifest["sums"].items()]
        self._index_texts(shares, int(manifest["texts"]))

    def _read_records(self, name: str, crc: int) -> Values:
        content = (self.entry.path / name).read_bytes()
        if zlib.crc32(content) != crc:
            raise Damaged(f"'{self.entry.path / name}' is not as it was written")
        return np.frombuffer(content, RECORD_DTYPE)

    def _index_texts(self, shares: Sequence[Values], count: int) -> None:
        """Set the share, the start, the length and the checksum of each text, by its row."""
        records = np.concatenate(shares)
        self.width = int(records["width"].max(initial=0))
        order = np.argsort(records["row"], kind="stable")
        if not np.array_equal(records["row"][order], np.arange(count)) or (records["width"] != self.width).any():
            raise Damaged(f"'{self.entry.path}' has not each text once")
        lengths = [share["length"].astype(np.int64) for share in shares]
        self.length, self.sum = np.concatenate(lengths)[order], records["sum"][order]
        self.start = np.concatenate([np.cumsum(length) - length for length in lengths])[order]
        self.share = np.repeat(np.arange(len(shares)), [len(share) for share in shares])[order]

    def padded(self, rows: Index) -> Tensor:
        """Return the states of these texts (B, T, D) in float32, T the longest of them, padded with zeros.

        Raises:
            Damaged: a text is not as it was written.
        """
        states = np.zeros((len(rows), int(self.length[rows].max(initial=0)), self.width), self.dtype)
        buffer, stride, size = _bytes_of(states), states.strides[0], self.width * self.dtype.itemsize
        texts = zip(*(a[rows].tolist() for a in (self.share, self.start, self.length, self.sum)), strict=True)
        for index, (share, start, length, crc) in enumerate(texts):
            target = buffer[index * stride : index * stride + length * size]
            self._read_text(self.states[share], start * size, target, crc)
        return torch.from_numpy(states.astype(np.float32, copy=False))

    def _read_text(self, file: LockableFile, start: int, target: memoryview, crc: int) -> None:
        try:
            is_complete = os.preadv(file.fd, [target], start) == len(target)
        except OSError as error:
            raise Damaged(f"'{file.path}' cannot be read ({error.strerror})") from error
        if not is_complete:
            raise Damaged(f"'{file.path}' has been cut")
        if zlib.crc32(target) != crc:
            raise Damaged(f"'{file.path}' is not as it was written")
