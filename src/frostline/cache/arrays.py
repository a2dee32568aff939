"""Rows of numbers of unlike length, end to end in files: written batch by batch, read text by text."""

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
    """One process's share of an entry; a killed one's is gone on with, from its last whole batch. share: `1of2`.

    batches: how many are there whole.
    """

    def __init__(self, work: Path, share: str, dtype: Literal["float32", "float16"]) -> None:
        self.dtype, flags = np.dtype(dtype), os.O_RDWR | os.O_CREAT
        self.states = LockableFile(work / f"{STATES}{share}.bin", flags)
        self.texts = LockableFile(work / f"{TEXTS}{share}.bin", flags)
        self.batches = self._go_on()

    def _go_on(self) -> int:
        """All that is there is held to its checksums: a machine that lost its power may have kept less than it said."""
        batches = states = kept = 0
        with self.states.path.open("rb") as file:
            for place, text in enumerate(
                intact_records(file, read_text_records(self.texts.path), self.dtype.itemsize), 1
            ):
                if text.left == 0:
                    batches, states, kept = batches + 1, file.tell(), place
        for opened, size in ((self.states, states), (self.texts, kept * RECORD_LAYOUT.size)):
            os.ftruncate(opened.fd, size)
            os.lseek(opened.fd, size, os.SEEK_SET)
        return batches

    def append(self, rows: Index, lengths: Index, numbers: Tensor) -> None:
        """rows (B,), lengths (B,), numbers (sum of lengths, D), text after text.

        Raises:
            OSError: the disk does not take it, or the dtype not a number.
        """
        flat, found = self._rounded(numbers), np.empty(len(rows), RECORD_DTYPE)
        ends = np.cumsum(lengths).tolist()
        assert ends[-1] == len(flat)
        found["row"], found["length"], found["width"] = rows, lengths, flat.shape[1]
        found["left"] = np.arange(len(rows))[::-1]
        found["sum"] = [zlib.crc32(_bytes_of(flat[begin:end])) for begin, end in zip([0, *ends], ends, strict=False)]
        _write_all(self.states.fd, _bytes_of(flat))
        _write_all(self.texts.fd, _bytes_of(found))
        self.batches += 1

    def _rounded(self, numbers: Tensor) -> Values:
        given = numbers.numpy()
        with np.errstate(over="ignore"):
            flat = np.ascontiguousarray(given.astype(self.dtype, copy=False))
        if flat.dtype != given.dtype and (np.isinf(flat) & np.isfinite(given)).any():
            raise OSError(errno.ERANGE, f"a number is too large for {self.dtype.name}", str(self.states.path))
        return flat

    def close(self) -> dict[str, int]:
        """The files and their sizes."""
        sizes = {}
        for file in (self.states, self.texts):
            os.fsync(file.fd)
            sizes[file.path.name] = os.fstat(file.fd).st_size
            file.close()
        return sizes


def _bytes_of(numbers: Values) -> memoryview:
    return numbers.view(np.uint8).reshape(-1).data


def _write_all(fd: int, part: memoryview) -> None:
    while part:
        part = part[os.write(fd, part) :]


class StatesReader:
    """Reads a complete entry, which stays as long as this does.

    Each text is read into its place in the batch and held to its checksum there, whenever it is read. The files are not
    mapped: one that is cut, or a disk that fails, would then kill the process.

    Raises:
        Damaged: the files are not those that were written.
        OSError: they are not there.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry, self.hold = entry, entry.held()
        found = entry.manifest()
        if found is None:
            raise Damaged(f"'{entry.path}' is not complete")
        self.dtype = np.dtype(found["dtype"])
        self.states = [LockableFile(entry.path / name.replace(TEXTS, STATES)) for name in found["sums"]]
        self._place([self._index(name, crc) for name, crc in found["sums"].items()], int(found["texts"]))

    def _index(self, name: str, crc: int) -> Values:
        content = (self.entry.path / name).read_bytes()
        if zlib.crc32(content) != crc:
            raise Damaged(f"'{self.entry.path / name}' is not as it was written")
        return np.frombuffer(content, RECORD_DTYPE)

    def _place(self, shares: Sequence[Values], count: int) -> None:
        """Where each text is, by its row."""
        every = np.concatenate(shares)
        self.width = int(every["width"].max(initial=0))
        order = np.argsort(every["row"], kind="stable")
        if not np.array_equal(every["row"][order], np.arange(count)) or (every["width"] != self.width).any():
            raise Damaged(f"'{self.entry.path}' has not each text once")
        lengths = [share["length"].astype(np.int64) for share in shares]
        self.length, self.sum = np.concatenate(lengths)[order], every["sum"][order]
        self.start = np.concatenate([np.cumsum(part) - part for part in lengths])[order]
        self.share = np.repeat(np.arange(len(shares)), [len(share) for share in shares])[order]

    def padded(self, rows: Index) -> Tensor:
        """Of these texts (B, T, D) float32, T the longest of them; zeros behind shorter ones.

        Raises:
            Damaged: a text is not as it was written.
        """
        found = np.zeros((len(rows), int(self.length[rows].max(initial=0)), self.width), self.dtype)
        room, stride, size = _bytes_of(found), found.strides[0], self.width * self.dtype.itemsize
        where = zip(*(a[rows].tolist() for a in (self.share, self.start, self.length, self.sum)), strict=True)
        for place, (share, start, length, crc) in enumerate(where):
            part = room[place * stride : place * stride + length * size]
            self._read(self.states[share], start * size, part, crc)
        return torch.from_numpy(found.astype(np.float32, copy=False))

    def _read(self, file: LockableFile, start: int, part: memoryview, crc: int) -> None:
        try:
            whole = os.preadv(file.fd, [part], start) == len(part)
        except OSError as error:
            raise Damaged(f"'{file.path}' cannot be read ({error.strerror})") from error
        if not whole:
            raise Damaged(f"'{file.path}' has been cut")
        if zlib.crc32(part) != crc:
            raise Damaged(f"'{file.path}' is not as it was written")
