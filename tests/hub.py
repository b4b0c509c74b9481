"""A small stand-in for the Hugging Face Hub: repositories in memory, and the requests that huggingface_hub sends."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]
TOKEN = "hf_standin"


@dataclass
class Repository:
    """A repository: the files of each commit, the commit of each branch, and whether its files need permission."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, changes: Files, revision: str = "main") -> str:
        """Add files to a branch, and return the new commit."""
        files = {**self.commits.get(self.refs.get(revision, ""), {}), **changes}
        name = hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()
        self.commits[name], self.refs[revision] = files, name
        return name

    def find(self, revision: str) -> str | None:
        """Return the commit of a branch or of itself."""
        return self.refs.get(revision, revision if revision in self.commits else None)


class StandIn:
    """The repositories by name, the uploaded contents by digest, and every request as ``METHOD /path``."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.status: int | None = None  # every answer has it, if it is given
        self.url = ""

    def add(self, name: str, files: Files, *, gated: bool = False) -> str:
        """Add a repository with one commit, and return the commit."""
        self.repositories[name] = Repository(gated=gated)
        return self.repositories[name].commit(files)


class _Handler(BaseHTTPRequestHandler):
    hub: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._route()

    def do_HEAD(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def do_PUT(self) -> None:
        self._route()

    def _route(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        body = self._read_body()
        if self.hub.status is not None:
            return self._send(self.hub.status, b"")
        match path.strip("/").split("/"):
            case ["api", "models", owner, name, "revision", revision]:
                self._send_info(f"{owner}/{name}", revision)
            case [owner, name, "resolve", revision, file]:
                self._send_file(f"{owner}/{name}", revision, file)
            case ["upload", digest]:
                self.hub.uploads[digest] = body
                self._send(200, b"")
            case _ if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._refuse(401, "", "Invalid username or password.")
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                repository = f"{asked.get('organization', 'me')}/{asked['name']}"
                exists = repository in self.hub.repositories
                if not exists:
                    self.hub.add(repository, {".gitattributes": b""})
                self._send_json({"url": f"{self.hub.url}/{repository}"}, 409 if exists else 200)
            case ["api", "validate-yaml"]:
                self._send_json({"errors": [], "warnings": []})
            case ["api", "models", owner, name, "preupload", _]:
                names = [file["path"] for file in json.loads(body)["files"]]
                modes = [(name, "lfs" if name.endswith(".safetensors") else "regular") for name in names]
                files = [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes]
                self._send_json({"files": files})
            case [owner, name, "info", "lfs", "objects", "batch"]:
                asked = [(one["oid"], one["size"]) for one in json.loads(body)["objects"]]
                place = f"{self.hub.url}/upload/"
                objects = [{"oid": o, "size": s, "actions": {"upload": {"href": place + o}}} for o, s in asked]
                self._send_json({"transfer": "basic", "objects": objects})
            case ["api", "models", owner, name, "commit", revision]:
                changes = self._read_changes(body)
                oid = self.hub.repositories[f"{owner}/{name}"].commit(changes, revision)
                self._send_json(
                    {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{owner}/{name}/commit/{oid}"}
                )
            case _:
                self._refuse(404, "", path)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _read_changes(self, body: bytes) -> Files:
        """Return the files of a commit: small ones are in the request, others were uploaded before."""
        changes = {}
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                changes[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            elif entry["key"] == "lfsFile":
                changes[entry["value"]["path"]] = self.hub.uploads[entry["value"]["oid"]]
        return changes

    def _find(self, repository: str, revision: str) -> str | None:
        """Return the commit of a revision; otherwise refuse the request as the Hub does."""
        if repository not in self.hub.repositories:
            self._refuse(401, "RepoNotFound", "Repository not found")
            return None
        commit = self.hub.repositories[repository].find(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _send_info(self, repository: str, revision: str) -> None:
        if commit := self._find(repository, revision):
            names = self.hub.repositories[repository].commits[commit]
            siblings = [{"rfilename": name} for name in names]
            self._send_json({"id": repository, "sha": commit, "siblings": siblings, "private": False})

    def _send_file(self, repository: str, revision: str, file: str) -> None:
        commit = self._find(repository, revision)
        if commit is None:
            return
        content = self.hub.repositories[repository].commits[commit].get(file)
        headers = {"X-Repo-Commit": commit}
        if self.hub.repositories[repository].gated:
            self._refuse(403, "GatedRepo", "Access to model is restricted.")
        elif content is None:
            self._refuse(404, "EntryNotFound", "Entry not found", headers)
        else:
            self._send(200, content, {**headers, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    def _refuse(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})})

    def _send_json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def serve_hub() -> Iterator[StandIn]:
    """Run a stand-in on a free port."""
    hub = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
