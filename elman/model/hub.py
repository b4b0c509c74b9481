"""The Hugging Face Hub: a model is loaded from an address, ``hf://owner/name@revision``, and published at one.

A repository holds the model file and its card. Only these two are fetched, into the cache that the package
huggingface_hub keeps, and the model file is checked as any other. The package is imported when an address is used.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from elman.checks import shown
from elman.errors import HubError, NotAModelError
from elman.extras import extra
from elman.model.address import Address, parse_address
from elman.model.card import is_own_card, write_card
from elman.model.file import Artifact
from elman.model.files import dump_model
from elman.model.writer import Writer
from elman.version import __version__

MODEL_FILE, CARD_FILE = "model.safetensors", "README.md"

SECONDS = 10.0
"""How long the Hub may take to begin an answer."""

LONGEST_REASON = 200
"""The most characters of huggingface_hub's own message in an error."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


def fetch_model(address: Address) -> Path:
    """Return the model file of an address, in the cache; its folder has the name of the commit.

    The revision is looked up on the Hub, unless it is a commit that the cache holds. Without a network the file is what
    the cache holds for the revision.

    Raises:
        NotAModelError: there is no such repository or revision, or it holds no model file.
        HubError: the Hub refuses or cannot be reached.
        MissingExtraError: the package huggingface_hub is not installed.
    """
    with extra("hub"):
        import huggingface_hub
        from huggingface_hub.errors import LocalEntryNotFoundError
        from huggingface_hub.utils.tqdm import tqdm

    def fetch(name: str, revision: str, *, local_files_only: bool = False) -> Path:
        file = huggingface_hub.hf_hub_download(
            address.repository,
            name,
            revision=revision,
            library_name="elman",
            library_version=__version__,
            etag_timeout=SECONDS,
            tqdm_class=_silence(tqdm),
            local_files_only=local_files_only,
        )
        return Path(file)

    revision = address.revision or "main"
    if _COMMIT.fullmatch(revision):
        with suppress(LocalEntryNotFoundError):
            return fetch(MODEL_FILE, revision, local_files_only=True)
    with _translate_errors(address):
        try:
            info = huggingface_hub.HfApi().model_info(address.repository, revision=revision, timeout=SECONDS)
        except Exception as error:
            if _has_answer(error):
                raise
            with suppress(LocalEntryNotFoundError):
                return fetch(MODEL_FILE, revision, local_files_only=True)
            raise
        file = fetch(MODEL_FILE, revision)
        if any(sibling.rfilename == CARD_FILE for sibling in info.siblings or ()):
            fetch(CARD_FILE, commit_of(file))
        return file


def commit_of(file: Path) -> str:
    """Return the commit that a file in the cache belongs to."""
    return file.parent.name


def pin_address(model: str, file: Path) -> str:
    """Return the address of a model with the commit that was loaded.

    >>> pin_address("hf://elman/surnames", Path("snapshots/0a1b/model.safetensors"))
    'hf://elman/surnames@0a1b'
    """
    return str(parse_address(model)._replace(revision=commit_of(file)))


def push_artifact(
    artifact: Artifact | Writer,
    address: str,
    *,
    license: str | None = None,
    private: bool = False,
    token: str | None = None,
    message: str | None = None,
) -> str:
    """Publish a model with its card; the repository is created if it does not exist.

    Args:
        artifact: the model.
        address: ``hf://owner/name``, or ``hf://owner/name@branch``.
        license: its licence, by the identifier of the Hub, such as ``apache-2.0``; None: the card says that it is
            unknown.
        private: whether a repository that is created is private.
        token: of an account that may write; the one that ``hf auth login`` stored if None.
        message: of the commit.

    Returns:
        The address with the commit: ``hf://owner/name@…``. A card that somebody else wrote is kept.

    Raises:
        SettingError: the address or the licence is invalid.
        HubError: the Hub refuses or cannot be reached.
        MissingExtraError: the package huggingface_hub is not installed.
    """
    target = parse_address(address)
    card = write_card(artifact, address=str(target._replace(revision=None)), license=license)
    with extra("hub"):
        from huggingface_hub import CommitOperationAdd, HfApi
    api = HfApi(token=token, library_name="elman", library_version=__version__)
    files = {MODEL_FILE: dump_model(artifact), CARD_FILE: card.encode()}
    with _translate_errors(target):
        api.create_repo(target.repository, private=private, exist_ok=True)
        if not _may_replace_card(api, target):
            del files[CARD_FILE]
        commit = api.create_commit(
            target.repository,
            operations=[CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=message or f"{artifact.name}, by Elman {__version__}",
            revision=target.revision,
        )
    return str(target._replace(revision=commit.oid))


def _may_replace_card(api: Any, target: Address) -> bool:
    """Return whether a repository has no card, or one that Elman wrote."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import tqdm

    try:
        file = api.hf_hub_download(target.repository, CARD_FILE, revision=target.revision, tqdm_class=_silence(tqdm))
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        return True
    return is_own_card(Path(file).read_text("utf-8", errors="replace"))


@contextmanager
def _translate_errors(address: Address) -> Iterator[None]:
    """Turn the errors of huggingface_hub, and of the library that it sends requests with, into one line."""
    try:
        yield
    except Exception as error:
        raise _explain(error, address) from error


def _explain(error: Exception, address: Address) -> NotAModelError | HubError:
    """Return what is wrong with an address, and what to do."""
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):  # an upload names only its file
        error = error.__cause__
    login = "log in with `hf auth login`"
    match error:
        case errors.GatedRepoError():
            page = f"https://huggingface.co/{address.repository}"
            return HubError(f"{address}: is gated; accept its conditions at {page}, then {login}")
        case errors.RepositoryNotFoundError():
            return NotAModelError(f"{address}: no such repository, or a private one; check the name, or {login}")
        case errors.RevisionNotFoundError():
            return NotAModelError(f"{address}: the repository has no such revision; give a branch, a tag or a commit")
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            return HubError(f"{address}: is not in the cache, and the Hub cannot be reached; check the network")
        case errors.EntryNotFoundError():
            return NotAModelError(f"{address}: is not an Elman model, because it has no file {MODEL_FILE}")
        case errors.HfHubHTTPError():
            status = error.response.status_code
            advice = f"; {login}" if status in (401, 403) else ""
            return HubError(f"{address}: the Hub answered with status {status} ({_first_line(error)}){advice}")
    if isinstance(error, errors.HfHubHTTPError.__bases__[0]):  # the library for requests: there was no answer
        return HubError(f"{address}: the Hub cannot be reached ({_first_line(error)}); check the network")
    return HubError(f"{address}: huggingface_hub failed with {type(error).__name__} ({_first_line(error)})")


def _first_line(error: Exception) -> str:
    return shown(next(iter(str(error).strip().splitlines()), ""), LONGEST_REASON)


def _has_answer(error: Exception) -> bool:
    """Return whether the Hub answered a request, if only with an error; one of the server's own is no answer."""
    response = getattr(error, "response", None)
    return response is not None and response.status_code < 500


def _silence(bar: Any) -> Any:
    """Return a progress bar that shows nothing: a model file is small."""

    class SilentBar(bar):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **{**settings, "disable": True})

    return SilentBar
