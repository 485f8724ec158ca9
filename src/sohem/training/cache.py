"""Resized images as bytes in one file, so that training reads pixels instead of decoding JPEGs again and again."""

import fcntl
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sohem.errors import DataError
from sohem.files import check_room, write_text
from sohem.progress import track

_SAVE_EVERY = 100  # images between two notes of how far the filling is


class ImageCache:
    """Images of known sizes behind each other in ``<folder>/<fingerprint>.bin``.

    The fingerprint covers the images' paths, sizes, file sizes and times of change: a changed image gets another file.
    Runs may share a folder; the first fills the file while the others wait. An interrupted filling is gone on with.

    Args:
        folder: where the files lie; all of it may be deleted at any time.
        paths: the image files.
        sizes: height and width of each image's resized pixels.
    """

    def __init__(self, folder: Path, paths: list[Path], sizes: list[tuple[int, int]]) -> None:
        digest = hashlib.sha256()
        for path, size in zip(paths, sizes, strict=True):
            try:
                status = path.stat()
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror}); put the image there") from None
            digest.update(f"{path}\0{size}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        self.sizes = sizes
        self.file = folder / f"{digest.hexdigest()[:16]}.bin"
        self.starts = np.concatenate([[0], np.cumsum([3 * height * width for height, width in sizes])])

    def fill(self, decode: Callable[[int], Tensor]) -> None:
        """Write the images that are not there yet; ``decode(index)`` gives the pixels [3, H, W] uint8.

        Raises:
            DataError: too little free space, or the disk fills up. What ``decode`` raises is passed on.
        """
        marker, count = self.file.with_suffix(".done"), len(self.sizes)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.with_suffix(".lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print(f"{self.file}: another run is caching these images; waiting for it", file=sys.stderr)
                    fcntl.flock(lock, fcntl.LOCK_EX)
                done = int(marker.read_text()) if marker.exists() and self.file.exists() else 0
                if done < count:
                    self._check_space(done)
                    self._write(decode, done, marker)
        except OSError as error:
            raise DataError(
                f"{self.file}: cannot be written ({error.strerror or error}). Free some space, then run the same "
                "command again; it goes on from here"
            ) from None

    def _check_space(self, done: int) -> None:
        needed = int(self.starts[-1] - self.starts[done])
        use = f"{self.file}: the cache of resized images still needs"
        check_room(self.file.parent, needed, use, "put the folder on another disk (a symbolic link will do)")

    def _write(self, decode: Callable[[int], Tensor], done: int, marker: Path) -> None:
        with self.file.open("r+b" if done else "wb") as file:
            file.seek(int(self.starts[done]))
            left = range(done, len(self.sizes))
            for index in track(left, len(self.sizes), "caching images", start=done):
                # Channels last, as files hold them and as the convolutions want them.
                file.write(decode(index).permute(1, 2, 0).contiguous().numpy().data)
                if (index + 1) % _SAVE_EVERY == 0 or index + 1 == len(self.sizes):
                    file.flush()
                    write_text(marker, f"{index + 1}\n")

    def __getitem__(self, index: int) -> Tensor:
        """The pixels [3, H, W] uint8 (channels last in memory) of an image, a copy.

        Raises:
            DataError: the file was deleted or cut since ``fill``.
        """
        height, width = self.sizes[index]
        start, end = int(self.starts[index]), int(self.starts[index + 1])
        # Opened for each image: that costs little, and nothing has to be shared with worker processes.
        try:
            pixels = np.fromfile(self.file, np.uint8, end - start, offset=start)
        except OSError:
            pixels = np.zeros(0, np.uint8)
        if len(pixels) != end - start:
            self.file.with_suffix(".done").unlink(missing_ok=True)
            raise DataError(f"{self.file}: changed while a run was reading it; run the same command again")
        return torch.from_numpy(pixels).view(height, width, 3).permute(2, 0, 1)
