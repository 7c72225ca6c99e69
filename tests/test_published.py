"""Published tables: mirror, origin, checksums; and what the papers found in them."""

import hashlib
import http.server
import os
import threading

import pytest

from scalinglab import published

needs_mirror = pytest.mark.skipif(
    not os.environ.get("SCALINGLAB_MIRROR"), reason="SCALINGLAB_MIRROR is not set"
)

TEXT = b"params,loss\n1000,3.5\n2000,3.25\n"


@pytest.fixture
def toy(monkeypatch):
    """A small table among the published ones."""
    table = published.Table(
        description="toy",
        origin=published.Origin(repository="someone/toy", commit="0" * 40, licence="MIT"),
        path="data/toy.csv",
        file="toy.csv",
        sha256=hashlib.sha256(TEXT).hexdigest(),
        columns={"N": "params", "L": "loss"},
    )
    monkeypatch.setitem(published.TABLES, "toy", table)
    return table


@pytest.fixture
def origin(monkeypatch, tmp_path, toy):
    """A server in the place of the origin; gives the path of the file that it sends."""
    folder = tmp_path / "origin" / "someone" / "toy" / toy.origin.commit / "data"
    folder.mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *request):
            super().__init__(*request, directory=tmp_path / "origin")

        def log_message(self, *message):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(published, "RAW", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("SCALINGLAB_MIRROR", raising=False)
    monkeypatch.setattr(published.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    yield folder / "toy.csv"
    server.shutdown()
    server.server_close()


def test_a_table_is_fetched_once_and_kept(origin):
    origin.write_bytes(TEXT)
    assert list(published.load("toy")["N"]) == [1000, 2000]
    origin.unlink()
    assert list(published.load("toy")["L"]) == [3.5, 3.25]


def test_a_changed_file_at_the_origin_is_refused(origin):
    origin.write_bytes(TEXT + b"3000,3.1\n")
    with pytest.raises(ValueError, match=r"toy: what http.* is not what was published"):
        published.load("toy")


def test_without_a_network_the_remedy_is_told(origin, monkeypatch):
    monkeypatch.setattr(published, "RAW", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"toy: http.* cannot be reached .*SCALINGLAB_MIRROR"):
        published.load("toy")


def test_a_mirror_is_checked_like_an_origin(monkeypatch, tmp_path, toy):
    monkeypatch.setenv("SCALINGLAB_MIRROR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"someone\+toy/toy.csv is not there"):
        published.load("toy")
    file = tmp_path / "someone+toy" / "toy.csv"
    file.parent.mkdir()
    file.write_bytes(TEXT)
    assert list(published.load("toy").columns) == ["N", "L"]
    file.write_bytes(TEXT + b"3000,3.1\n")
    with pytest.raises(ValueError, match="has sha256"):
        published.load("toy")


def test_a_flattening_is_found_in_mirrors_only(monkeypatch):
    monkeypatch.delenv("SCALINGLAB_MIRROR", raising=False)
    with pytest.raises(FileNotFoundError, match=r"porian_isoflop: .* flattening .* set SCALINGLAB_MIRROR"):
        published.load("porian_isoflop")


def test_an_unknown_name_lists_the_known():
    with pytest.raises(KeyError, match=r"no published table 'chinchila'; known are: .*hoffmann_figure_4"):
        published.load("chinchila")


def test_every_table_says_what_it_is():
    told = published.describe()
    assert list(told.index) == published.names()
    assert (told["description"].str.len() > 30).all()
    assert told["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert told["sha256"].is_unique
    assert told["licence"].ne("").all()


@needs_mirror
@pytest.mark.parametrize("name", published.names())
def test_every_table_is_in_the_mirror(name):
    table = published.load(name)
    assert len(table) > 10
    assert table.columns.is_unique


def test_a_table_is_at_hand_once_it_was_fetched(origin):
    assert not published.at_hand("toy")
    origin.write_bytes(TEXT)
    published.load("toy")
    assert published.at_hand("toy")


def test_a_table_is_at_hand_if_the_mirror_has_it(monkeypatch, tmp_path, toy):
    monkeypatch.setenv("SCALINGLAB_MIRROR", str(tmp_path))
    assert not published.at_hand("toy")
    (tmp_path / "someone+toy").mkdir()
    (tmp_path / "someone+toy" / "toy.csv").write_bytes(TEXT)
    assert published.at_hand("toy")
