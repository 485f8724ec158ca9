from sohem.progress import duration, line, track


def test_a_log_gets_plain_lines(capsys):
    assert list(track(range(5), 5, "reading", note=lambda: "loss 0.5", every=2)) == [0, 1, 2, 3, 4]
    lines = capsys.readouterr().err.splitlines()
    assert [text.split(",")[0] for text in lines] == ["reading: 2/5 (40%)", "reading: 4/5 (80%)", "reading: 5/5 (100%)"]
    assert all(text.endswith(" left, loss 0.5") for text in lines)


def test_a_resumed_run_counts_from_where_it_was(capsys):
    list(track(range(6, 10), 10, "training", start=6, every=5))
    assert capsys.readouterr().err.startswith("training: 10/10 (100%)")


def test_time_left_follows_the_rate_of_this_run():
    # 50 items in 100 s: 0.5 a second, so the 150 that are left take 300 s.
    assert line("x", 250, 400, 50, 100.0) == "x: 250/400 (62%), 0.5/s, 5:00 left"
    assert duration(3661) == "1:01:01"


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(track("abc", 3, "reading", note=lambda: "now")) == ["a", "b", "c"]
    assert "3/3" in capsys.readouterr().err
