"""What is made of each image once, in one file: resized pixels, or what the frozen layers make of them."""

import fcntl
import hashlib
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sohem.errors import DataError
from sohem.files import check_room, write_text
from sohem.progress import track

_DIGEST = np.dtype("<u4")  # of a CRC32
_SAVE_EVERY = 100  # images between two notes of how far the filling is


class ImageCache:
    """Arrays of known shapes, one made of each image, behind each other in ``<folder>/<fingerprint>.bin``.

    A file ``.crc`` beside it has the CRC32 of each. An array is checked when a process reads it for the first time.

    The fingerprint covers the images' paths, file sizes and times of change, the shapes and what is made of the images:
    a changed image gets another file. Runs may share a folder; the first fills the file while the others wait. An
    interrupted filling is gone on with.

    Args:
        folder: where the files lie; all of it may be deleted at any time.
        paths: the image files; one may stand there twice, for two arrays.
        shapes: channels, height and width of each array.
        dtype: of the numbers.
        made: a fingerprint of how the arrays are made; pixels need none.
    """

    def __init__(
        self, folder: Path, paths: list[Path], shapes: list[tuple[int, ...]], dtype: type = np.uint8, made: str = ""
    ) -> None:
        digest = hashlib.sha256(made.encode())
        for path, shape in zip(paths, shapes, strict=True):
            try:
                status = path.stat()
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror}); put the image there") from None
            digest.update(f"{path}\0{shape}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        self.shapes, self.dtype = shapes, np.dtype(dtype)
        self.file = folder / f"{digest.hexdigest()[:16]}.bin"
        self.checksums = self.file.with_suffix(".crc")
        self.checked = np.zeros(len(shapes), bool)
        self.starts = np.concatenate([[0], np.cumsum([np.prod(shape) * self.dtype.itemsize for shape in shapes])])

    def fill(self, make: Callable[[int], Tensor]) -> None:
        """Write the arrays that are not there yet; ``make(index)`` gives one [C, H, W] of the right type.

        Raises:
            DataError: too little free space, or the disk fills up. What ``make`` raises is passed on.
        """
        marker, count = self.file.with_suffix(".done"), len(self.shapes)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.with_suffix(".lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print(f"{self.file}: another run is caching these images; waiting for it", file=sys.stderr)
                    fcntl.flock(lock, fcntl.LOCK_EX)
                done = self._done(marker)
                if done < count:
                    self._check_space(done)
                    self._write(make, done, marker)
        except OSError as error:
            raise DataError(
                f"{self.file}: cannot be written ({error.strerror or error}). Free some space, then run the same "
                "command again; it goes on from here"
            ) from None

    def _done(self, marker: Path) -> int:
        """How many arrays are there; 0 also of a cache without checksums, which an earlier version wrote."""
        try:
            return int(marker.read_text()) if self.file.exists() and self.checksums.exists() else 0
        except (FileNotFoundError, ValueError):  # not begun, or the marker is damaged
            return 0

    def _check_space(self, done: int) -> None:
        needed = int(self.starts[-1] - self.starts[done])
        use = f"{self.file}: the cache of images still needs"
        check_room(self.file.parent, needed, use, "put the folder on another disk (a symbolic link will do)")

    def _write(self, make: Callable[[int], Tensor], done: int, marker: Path) -> None:
        mode = "r+b" if done else "wb"
        with self.file.open(mode) as file, self.checksums.open(mode) as checksums:
            file.seek(int(self.starts[done]))
            checksums.seek(_DIGEST.itemsize * done)
            left = range(done, len(self.shapes))
            for index in track(left, len(self.shapes), "caching images", start=done):
                # Channels last, as files hold them and as the convolutions want them.
                array = make(index).permute(1, 2, 0).contiguous().numpy()
                file.write(array.data)
                checksums.write(np.array(zlib.crc32(array.data), _DIGEST).tobytes())
                if (index + 1) % _SAVE_EVERY == 0 or index + 1 == len(self.shapes):
                    file.flush()
                    checksums.flush()
                    write_text(marker, f"{index + 1}\n")

    def __getitem__(self, index: int) -> Tensor:
        """The array [C, H, W] (channels last in memory) at an index, a copy.

        Raises:
            DataError: the file was deleted or cut since ``fill``, or an array is not as it was written.
        """
        channels, height, width = self.shapes[index]
        start, end = int(self.starts[index]), int(self.starts[index + 1])
        # Opened for each image: that costs little, and nothing has to be shared with worker processes.
        try:
            array = np.fromfile(self.file, self.dtype, (end - start) // self.dtype.itemsize, offset=start)
            good = array.nbytes == end - start and (self.checked[index] or self._as_written(index, array))
        except OSError:
            good = False
        if not good:
            self.file.with_suffix(".done").unlink(missing_ok=True)
            raise DataError(
                f"{self.file}: damaged, or changed while a run was reading it; run the same command again, which makes "
                "this file anew"
            )
        self.checked[index] = True
        return torch.from_numpy(array).view(height, width, channels).permute(2, 0, 1)

    def _as_written(self, index: int, array: np.ndarray) -> bool:
        known = np.fromfile(self.checksums, _DIGEST, 1, offset=index * _DIGEST.itemsize)
        return known.tolist() == [zlib.crc32(array.data)]
