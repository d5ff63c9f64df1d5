"""Models of the hub: a cache that holds a part, a hub that completes it, a card that says the licence."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from flows.reports.cards import licence_of
from tasks.core.errors import FlywheelError
from tasks.core.hub import hub_card, revision_of
from tasks.models.resolve import check_model, is_model, resolve_model
from tasks.settings.model import ModelSettings

NAME, COMMIT = "someone/model", "0123456789abcdef0123456789abcdef01234567"
SHARDS = [f"model-{number:05}-of-00004.safetensors" for number in range(1, 5)]
INDEX = json.dumps({"weight_map": {f"layer.{number}": name for number, name in enumerate(SHARDS)}})
FILES = {
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "model.safetensors.index.json": INDEX.encode(),
    **{name: name.encode() for name in SHARDS},
    "README.md": b"---\nlicense: mit\n---\n# A model\n",
    "onnx/model.onnx": b"not wanted",
}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download asks of it. `asked` are the paths that it sent whole."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        content = b""
        if "/tree/" in path:
            parts = [
                {"type": "file", "path": name, "size": len(text), "oid": hashlib.sha256(text).hexdigest()}
                for name, text in FILES.items()
            ]
            content = json.dumps(parts).encode()
        elif path.startswith("/api/models/"):
            siblings = [{"rfilename": name} for name in FILES]
            content = json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings, "tags": []}).encode()
        elif "/resolve/" in path:
            name = path.split("/resolve/")[1].partition("/")[2]
            content = FILES.get(name, b"")
            if with_body:
                self.asked.append(name)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no hub."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return folder


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that answers; the files that it was asked for."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Hub,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    yield asked
    server.shutdown()
    server.server_close()


def cached(cache: Path, *names: str) -> Path:
    """Put files into the cache, as downloads that were cut off leave them."""
    model = cache / "models--someone--model"
    snapshot = model / "snapshots" / COMMIT
    for name in names:
        blob = model / "blobs" / hashlib.sha256(FILES[name]).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(FILES[name])
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blob)
    (model / "refs").mkdir(exist_ok=True)
    (model / "refs" / "main").write_text(COMMIT)
    return snapshot


def resolve(tmp_path: Path) -> Path:
    return resolve_model(ModelSettings(name=NAME), tmp_path / "built", print)


WHOLE = ("config.json", "tokenizer.json", "model.safetensors.index.json", *SHARDS)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("tokenizer.json",), "config.json and weights missing"),
        (WHOLE[:4], r"3 of 4 weight files \(model-00002-of-00004.safetensors, \.\.\.\) missing"),
        (WHOLE[:-1], r"1 of 4 weight files \(model-00004-of-00004.safetensors\) missing"),
        ((*WHOLE[:2], *SHARDS), "the index of the weight files missing"),
        (WHOLE[:3], r"4 of 4 weight files"),
    ],
    ids=["tokenizer alone", "one shard", "one shard short", "no index", "no shard"],
)
def test_a_model_that_is_cached_in_part_is_no_model_without_the_hub(
    cache: Path, tmp_path: Path, names: tuple[str, ...], missing: str
) -> None:
    folder = cached(cache, *names)
    assert not is_model(folder)
    with pytest.raises(FlywheelError, match=f"cache holds 'someone/model' in part .*{missing}"):
        resolve(tmp_path)
    with pytest.raises(FlywheelError, match=missing):
        check_model(folder)


def test_a_link_to_a_file_that_never_came_is_no_file(cache: Path, tmp_path: Path) -> None:
    folder = cached(cache, *WHOLE)
    assert resolve(tmp_path) == folder
    (folder / SHARDS[2]).resolve().unlink()
    with pytest.raises(FlywheelError, match=r"1 of 4 weight files \(model-00003-of-00004"):
        resolve(tmp_path)


@pytest.mark.parametrize(
    "names", [("tokenizer.json",), WHOLE[:4], ()], ids=["tokenizer alone", "one shard", "none"]
)
def test_the_hub_completes_it(cache: Path, hub: list[str], tmp_path: Path, names: tuple[str, ...]) -> None:
    if names:
        cached(cache, *names)
    folder = resolve(tmp_path)
    assert {name: (folder / name).read_bytes() for name in WHOLE} == {name: FILES[name] for name in WHOLE}
    # What was there is not fetched again, and nothing is fetched that is not wanted.
    assert sorted(hub) == sorted({*WHOLE, "README.md"} - set(names))
    hub.clear()
    assert resolve(tmp_path) == folder
    assert hub == []
    assert licence_of(NAME, folder) == licence_of(NAME, None) == "mit"


def test_the_card_of_a_model_that_was_cached_without_is_fetched(cache: Path, hub: list[str]) -> None:
    folder = cached(cache, *WHOLE)
    assert licence_of(NAME, folder) == "mit"
    assert hub == ["README.md"]
    assert licence_of(NAME, None) == "mit"
    assert hub == ["README.md"]


def test_without_hub_and_card_the_licence_is_other(cache: Path) -> None:
    assert hub_card(NAME) is None
    assert licence_of(NAME, None) == "other"
    assert licence_of("./folder", None) == "other"


def test_weights_in_one_file_or_in_files_of_no_shards_are_whole(tmp_path: Path) -> None:
    for name in ("model.safetensors", "pytorch_model.bin", "consolidated.safetensors"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("config.json", "tokenizer.json", name):
            (folder / file).write_bytes(b"{}")
        check_model(folder)
    (tmp_path / "model.safetensors" / "pytorch_model.bin.index.json").write_text(INDEX)
    check_model(tmp_path / "model.safetensors")
    (tmp_path / "consolidated.safetensors" / "model.safetensors.index.json").write_text("{")
    with pytest.raises(FlywheelError, match=r"a readable model.safetensors.index.json missing"):
        check_model(tmp_path / "consolidated.safetensors")


def test_a_revision_is_asked_for_by_its_name_and_told_by_its_commit(hub: list[str], tmp_path: Path) -> None:
    for revision in ("", COMMIT):
        settings = ModelSettings(name=NAME, revision=revision)
        folder = resolve_model(settings, tmp_path / "built", print)
        assert revision_of(folder) == COMMIT
    assert revision_of(tmp_path) == ""
