"""The check of pages finds what it is to find: each fault once in a page that is right otherwise."""

import pytest

import browser

DOT = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
HEAD = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A</title>'


@pytest.fixture(scope="module")
def chromium():
    with browser.browser() as running:
        yield running


def faults(chromium, folder, body, head=HEAD):
    page = folder / "page.html"
    page.write_text(head + body)
    return chromium.faults(page)


def test_a_page_without_fault(chromium, tmp_path):
    wide = '<div style="overflow-x: auto"><div style="width: 900px">wide, in a box of its own</div></div>'
    script = "<script>console.log('all is well')</script>"
    assert faults(chromium, tmp_path, f'<img src="{DOT}" alt="dot">{wide}{script}') == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<script>console.error('went', 'wrong')</script>", ["console: went wrong"]),
        ("<script>throw new Error('broke')</script>", ["script: Error: broke"]),
        ('<img src="data:image/png;base64,AAAA" alt="torn">', ["image does not load: torn"]),
        ('<div style="width: 391px">wide</div>', ["the page is 399 pixels wide in a window of 390"]),
    ],
)
def test_a_fault(chromium, tmp_path, body, found):
    reported = faults(chromium, tmp_path, body)
    assert [fault.split("\n")[0] for fault in reported] == found


def test_a_page_that_is_not_made_for_phones(chromium, tmp_path):
    assert faults(chromium, tmp_path, "text", head="<!doctype html><title>A</title>") == [
        "the page is 980 pixels wide in a window of 390"
    ]


@pytest.mark.parametrize("address", ["http://example.invalid/style.css", "beside.css"])
def test_a_request(chromium, tmp_path, address):
    (tmp_path / "beside.css").write_text("p {}")
    reported = faults(chromium, tmp_path, f'<link rel="stylesheet" href="{address}">')
    assert any(fault.startswith("request: ") and fault.endswith(address) for fault in reported)


def test_a_picture_of_the_whole_page(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f'{HEAD}<div style="height: 3000px">long</div>')
    chromium.faults(page, browser.DESKTOP, tmp_path / "page.png")
    data = (tmp_path / "page.png").read_bytes()
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    assert (width, height) == (1280, 3016)
