import multiprocessing
import shutil

import pytest
import torch

from sohem.errors import DataError
from sohem.training.cache import ImageCache
from sohem.training.loader import ahead


@pytest.fixture
def images(tmp_path):
    """Three image files (their content does not matter here), the shapes of their pixels, and the pixels."""
    paths = [tmp_path / f"{k}.jpg" for k in range(3)]
    for path in paths:
        path.write_text(path.name)
    shapes = [(3, 2, 3), (3, 4, 1), (3, 3, 3)]
    pixels = [torch.randint(0, 256, shape, dtype=torch.uint8) for shape in shapes]
    return paths, shapes, pixels


def test_a_cache_gives_back_the_pixels_and_is_filled_once(images, tmp_path):
    paths, shapes, pixels = images
    asked = []

    def decode(index):
        asked.append(index)
        return pixels[index]

    for _ in range(2):
        cache = ImageCache(tmp_path / "cache", paths, shapes)
        cache.fill(decode)
        assert all(torch.equal(cache[k], pixels[k]) for k in range(3))
    assert asked == [0, 1, 2]
    assert cache.file.stat().st_size == 3 * (6 + 4 + 9)


def test_a_filling_that_was_stopped_goes_on(images, tmp_path, monkeypatch):
    paths, shapes, pixels = images
    monkeypatch.setattr("sohem.training.cache._SAVE_EVERY", 1)
    asked = []

    def broken(index):
        asked.append(index)
        if index == 2 and len(asked) == 3:
            raise DataError("2.jpg: truncated")
        return pixels[index]

    cache = ImageCache(tmp_path / "cache", paths, shapes)
    with pytest.raises(DataError, match=r"2\.jpg"):
        cache.fill(broken)
    cache.fill(broken)
    assert asked == [0, 1, 2, 2]
    assert all(torch.equal(cache[k], pixels[k]) for k in range(3))


def test_a_changed_image_gets_another_cache(images, tmp_path):
    paths, shapes, _ = images
    before = ImageCache(tmp_path, paths, shapes).file
    paths[1].write_text("other content")
    assert ImageCache(tmp_path, paths, shapes).file != before
    paths[1].unlink()
    with pytest.raises(DataError, match=r"1\.jpg: cannot be read"):
        ImageCache(tmp_path, paths, shapes)


def test_a_cache_that_was_cut_is_made_again(images, tmp_path):
    paths, shapes, pixels = images
    cache = ImageCache(tmp_path / "cache", paths, shapes)
    cache.fill(pixels.__getitem__)
    cache.file.write_bytes(b"short")
    with pytest.raises(DataError, match="run the same command again"):
        cache[2]
    cache.fill(pixels.__getitem__)
    assert torch.equal(cache[2], pixels[2])


@pytest.mark.parametrize("ending", [".bin", ".crc"])
def test_a_wrong_bit_in_a_cache_is_refused_and_the_file_made_again(images, tmp_path, ending):
    paths, shapes, pixels = images
    made = ImageCache(tmp_path / "cache", paths, shapes)
    made.fill(pixels.__getitem__)
    file = made.file.with_suffix(ending)
    whole = file.read_bytes()
    for bit in range(8 * len(whole)):
        wrong = bytearray(whole)
        wrong[bit // 8] ^= 1 << bit % 8
        file.write_bytes(wrong)
        cache = ImageCache(tmp_path / "cache", paths, shapes)
        with pytest.raises(DataError, match=r"\.bin: damaged.* run the same command again, which makes this file anew"):
            [cache[k] for k in range(3)]
    cache.fill(pixels.__getitem__)
    assert all(torch.equal(cache[k], pixels[k]) for k in range(3))


def test_a_cache_whose_count_is_damaged_or_that_has_no_checksums_is_made_again(images, tmp_path):
    paths, shapes, pixels = images
    cache = ImageCache(tmp_path / "cache", paths, shapes)
    cache.fill(pixels.__getitem__)
    for spoil in (lambda: cache.file.with_suffix(".done").write_text("s\n"), cache.checksums.unlink):
        spoil()
        cache.file.write_bytes(b"spoilt")
        cache.fill(pixels.__getitem__)
        assert all(torch.equal(cache[k], pixels[k]) for k in range(3))


def test_a_disk_that_is_full_is_said_beforehand_and_in_the_middle(images, tmp_path, monkeypatch):
    paths, shapes, pixels = images
    cache = ImageCache(tmp_path / "cache", paths, shapes)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 90, 10))
        with pytest.raises(DataError, match=r"still needs 0\.00 GB, but only 0\.00 GB are free"):
            cache.fill(pixels.__getitem__)

    def full(index):
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="No space left on device"):
        cache.fill(full)
    cache.fill(pixels.__getitem__)
    assert torch.equal(cache[0], pixels[0])


def test_runs_that_share_a_cache_wait_for_each_other(images, tmp_path):
    """Two processes fill the same cache; the pixels are those of one of them, whole."""
    paths, shapes, _ = images
    context = multiprocessing.get_context("fork")

    def fill(value):
        torch.set_num_threads(1)
        ImageCache(tmp_path / "cache", paths, shapes).fill(lambda k: torch.full(shapes[k], value).byte())

    processes = [context.Process(target=fill, args=(value,)) for value in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    values = {ImageCache(tmp_path / "cache", paths, shapes)[k].unique().tolist()[0] for k in range(3)}
    assert values in ({1}, {2})


@pytest.mark.parametrize("workers", [0, 2])
def test_reading_ahead_keeps_the_order_and_passes_errors_on_as_they_are(workers):
    def read(k):
        if k == 7:
            raise DataError("image 7: truncated")
        return torch.tensor(k)

    state = torch.get_rng_state()
    results = ahead(read, range(2, 9), workers, torch.device("cpu"))
    assert [next(results).item() for _ in range(5)] == [2, 3, 4, 5, 6]
    with pytest.raises(DataError, match=r"^image 7: truncated$"):
        next(results)
    assert torch.equal(torch.get_rng_state(), state)
