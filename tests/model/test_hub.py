"""Models on the Hugging Face Hub, with a stand-in for it: loading, pinning, publishing, and refusals."""

import hashlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import TOKEN, StandIn, serve_hub
from pairs import build_generator, build_writer
from typer.testing import CliRunner

import elman
from elman.cli import app
from elman.errors import DamagedModelError, HubError, MissingExtraError, NotAModelError, SettingError
from elman.model.address import parse_address
from elman.model.file import dump_artifact
from elman.model.shipped import find_model
from elman.model.writer import save_writer
from elman.prediction.predictor import Predictor

constants = pytest.importorskip("huggingface_hub.constants", reason="needs huggingface_hub: pip install 'elman[hub]'")

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of huggingface_hub itself


def point_to(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in without repositories, and an empty cache."""
    with serve_hub() as running:
        point_to(running.url, tmp_path / "cache", monkeypatch)
        yield running


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let huggingface_hub meet a closed port."""

    def cut() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        point_to(f"http://127.0.0.1:{port}", tmp_path / "cache", monkeypatch)

    return cut


@pytest.fixture
def content(tiny_artifact) -> bytes:
    return dump_artifact(tiny_artifact)


def test_a_model_is_loaded_by_its_address_and_says_its_commit(hub, content, tiny_artifact):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    model = elman.load("hf://ann/tiny")
    assert model.origin == f"hf://ann/tiny@{commit}"
    assert model.artifact.digest == tiny_artifact.digest
    assert model.predict("abc").label == Predictor(tiny_artifact).predict("abc").label


def test_a_model_without_an_address_says_its_file(tiny_file, tiny_artifact):
    assert (elman.load(tiny_file).origin, Predictor(tiny_artifact).origin) == (str(tiny_file), None)


def test_a_revision_is_a_branch_or_a_commit_and_main_moves_on(hub, content):
    old = hub.add("ann/tiny", {"model.safetensors": content})
    hub.repositories["ann/tiny"].refs["v1"] = old
    new = hub.repositories["ann/tiny"].commit({"other": b""})
    assert [elman.load(f"hf://ann/tiny{end}").origin[-40:] for end in ("@v1", f"@{old}", "", f"@{new}")] == [
        old,
        old,
        new,
        new,
    ]


def test_a_commit_in_the_cache_needs_no_request(hub, content):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    elman.load("hf://ann/tiny")
    hub.requests.clear()
    elman.load(f"hf://ann/tiny@{commit}")
    assert hub.requests == []


def test_only_the_model_and_its_card_are_fetched(hub, content):
    hub.add(
        "ann/tiny", {"model.safetensors": content, "README.md": b"# x", "run.py": b"", "model.bin": b"", "x.pkl": b""}
    )
    file = find_model("hf://ann/tiny")
    assert sorted(path.name for path in file.parent.iterdir()) == ["README.md", "model.safetensors"]


@pytest.mark.parametrize("end", ["", "@main"])
def test_without_a_network_the_cache_answers(hub, content, no_network, end):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    elman.load("hf://ann/tiny")
    no_network()
    assert elman.load(f"hf://ann/tiny{end}").origin == f"hf://ann/tiny@{commit}"


def test_offline_mode_sends_no_request(hub, content, monkeypatch):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    elman.load("hf://ann/tiny")
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert elman.load("hf://ann/tiny").origin == f"hf://ann/tiny@{commit}"
    with pytest.raises(HubError, match="is not in the cache, and the Hub cannot be reached"):
        elman.load("hf://ann/other")
    assert hub.requests == []


def test_when_the_hub_is_down_the_cache_answers(hub, content):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    elman.load("hf://ann/tiny")
    hub.status = 503
    assert elman.load("hf://ann/tiny").origin == f"hf://ann/tiny@{commit}"


def test_without_a_network_and_a_cache_the_reason_is_said_at_once(no_network):
    no_network()
    with pytest.raises(HubError, match=r"^hf://ann/tiny: .*the Hub cannot be reached.*; check the network$"):
        elman.load("hf://ann/tiny")


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("hf://ann/none", NotAModelError, "no such repository, or a private one; check the name, or log in"),
        ("hf://ann/tiny@v9", NotAModelError, "the repository has no such revision"),
        ("hf://ann/tiny@" + "0" * 40, NotAModelError, "the repository has no such revision"),
        ("hf://ann/gated", HubError, "is gated; accept its conditions at https://huggingface.co/ann/gated"),
        ("hf://ann/other", NotAModelError, "is not an Elman model, because it has no file model.safetensors"),
        ("hf://tiny", SettingError, "an address on the Hub is hf://owner/name"),
        ("hf://ann/tiny@", SettingError, "an address on the Hub is hf://owner/name"),
        ("hf://ann/tiny/", SettingError, "an address on the Hub is hf://owner/name"),
        ("hf://ann/../tiny", SettingError, "an address on the Hub is hf://owner/name"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(hub, content, address, kind, message):
    hub.add("ann/tiny", {"model.safetensors": content})
    hub.add("ann/gated", {"model.safetensors": content}, gated=True)
    hub.add("ann/other", {"pytorch_model.bin": b"x"})
    with pytest.raises(kind) as error:
        elman.load(address)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("status", [418, 500])
def test_an_error_of_the_hub_is_said_with_its_status(hub, status):
    hub.status = status
    with pytest.raises(HubError, match=f"status {status}"):
        elman.load("hf://ann/tiny")


def test_a_file_from_the_hub_is_checked_as_any_other(hub, content):
    hub.add("ann/cut", {"model.safetensors": content[:-3]})
    hub.add("ann/pickle", {"model.safetensors": b"\x80\x04\x95cposix\nsystem\n"})
    with pytest.raises(DamagedModelError):
        elman.load("hf://ann/cut")
    with pytest.raises(NotAModelError, match="is not an Elman model"):
        elman.load("hf://ann/pickle")


def test_a_missing_package_is_named(monkeypatch, tiny_artifact):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for use in (lambda: elman.load("hf://ann/tiny"), lambda: Predictor(tiny_artifact).push_to_hub("hf://ann/tiny")):
        with pytest.raises(MissingExtraError, match=r"huggingface-hub: pip install 'elman\[hub\]'"):
            use()


def test_a_model_is_published_with_its_card_and_loaded_again(hub, tiny_artifact):
    address = Predictor(tiny_artifact).push_to_hub("hf://ann/new", license="mit", token=TOKEN)
    assert address == f"hf://ann/new@{hub.repositories['ann/new'].refs['main']}"
    assert elman.load(address).artifact.digest == tiny_artifact.digest
    files = hub.repositories["ann/new"].commits[address[-40:]]
    assert sorted(files) == [".gitattributes", "README.md", "model.safetensors"]
    assert b"\nlicense: mit\n" in files["README.md"] and b'elman.load("hf://ann/new")' in files["README.md"]
    assert hub.uploads[hashlib.sha256(files["model.safetensors"]).hexdigest()] == files["model.safetensors"]


@pytest.mark.parametrize("kind", ["pairs", "generate"])
def test_a_model_that_writes_is_published_by_the_command_and_loaded_again(hub, tmp_path, monkeypatch, kind):
    writer = build_writer(labels=("Greek", "Irish")) if kind == "pairs" else build_generator()
    save_writer(writer, tmp_path / "writer.safetensors")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    done = CliRunner().invoke(app, ["models", "push", str(tmp_path / "writer.safetensors"), "hf://ann/writer"])
    address = done.output.strip()
    loaded = elman.load(address)
    assert (loaded.artifact.digest, loaded.origin) == (writer.digest, address)
    assert "writes strings" in loaded._repr_html_()
    card = hub.repositories["ann/writer"].commits[address[-40:]]["README.md"].decode()
    assert ("Labels: Greek, Irish." in card) == (kind == "pairs")
    assert ("pipeline_tag: text-generation" in card) == (kind == "generate")


def test_a_card_that_elman_wrote_is_replaced_and_any_other_is_kept(hub, tiny_artifact):
    model = Predictor(tiny_artifact)
    model.push_to_hub("hf://ann/new", token=TOKEN)
    model.push_to_hub("hf://ann/new", license="mit", token=TOKEN)
    repository = hub.repositories["ann/new"]
    assert b"license: mit" in repository.commits[repository.refs["main"]]["README.md"]
    repository.commit({"README.md": b"my own words"})
    model.push_to_hub("hf://ann/new", token=TOKEN)
    assert repository.commits[repository.refs["main"]]["README.md"] == b"my own words"


def test_who_may_not_write_is_told_to_log_in(hub, tiny_artifact):
    with pytest.raises(HubError, match="log in with `hf auth login`"):
        Predictor(tiny_artifact).push_to_hub("hf://ann/new", token="hf_wrong")
    assert hub.repositories == {}


def test_nothing_is_sent_for_an_invalid_address_or_licence(hub, tiny_artifact):
    for address, license in (("ann/new", None), ("hf://ann/new", "MIT License")):
        with pytest.raises(SettingError):
            Predictor(tiny_artifact).push_to_hub(address, license=license, token=TOKEN)
    assert hub.requests == []


def test_an_address_is_written_as_it_is_read():
    for text in ("hf://ann/tiny", "hf://ann/tiny@v1.0", "hf://a.b/c_d@refs/pr/1"):
        assert str(parse_address(text)) == text


def test_commands_take_an_address(hub, content, elman_process, tmp_path):
    commit = hub.add("ann/tiny", {"model.safetensors": content})
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    done = elman_process("predict", "--model", "hf://ann/tiny", "abc", **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"abc\t")
    done = elman_process("models", "show", "hf://ann/tiny", "--json", **environment)
    assert f'"origin": "hf://ann/tiny@{commit}"'.encode() in done.stdout
    done = elman_process("predict", "--model", "hf://ann/none", "abc", **environment)
    assert (done.returncode, done.stderr.count(os.linesep.encode())) == (2, 1)


def test_models_push_prints_the_address_and_models_show_the_card(hub, tiny_file, elman_here, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    outcome = elman_here("models", "push", tiny_file, "hf://ann/new", "--private")
    assert (outcome.status, outcome.out) == (0, f"hf://ann/new@{hub.repositories['ann/new'].refs['main']}\n")
    shown = elman_here("models", "show", "hf://ann/new")
    assert shown.err == f"note: {outcome.out}"
    assert "Licence: unknown" in shown.out and "library_name" not in shown.out
