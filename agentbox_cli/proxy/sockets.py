"""Unix sockets of the proxy: one for each container, so that its calls have a name.

A container gets the directory of its socket mounted, not the socket: a new run of the proxy makes
a new socket in the same directory, while a mounted socket would stay the old one. Who may open
the socket may call; on the host the directory above keeps other users out.
"""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import SOCKET_NAME, SOCKET_PATH_LIMIT, Paths
from agentbox_cli.supervise.place import private_directory

# Who may open a socket, as config.yml says it.
MODES: Mapping[str, int] = MappingProxyType({"owner": 0o600, "group": 0o660, "all": 0o666})

# Its user needs to get through, nobody needs to list it.
_PASSABLE = 0o711
_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSocket:
    """A listening socket, whose calls are its name's."""

    name: str
    path: Path
    bound: socket.socket

    def close(self) -> None:
        """Stop listening, and remove the file unless it is another's by now."""
        self.bound.close()
        # Not by its inode: the number of a removed file is soon another's (measured).
        with suppress(OSError):
            if not listens(self.path):
                self.path.unlink()


def socket_path(config: LiteLLMConfig, paths: Paths, name: str) -> Path:
    """Where the socket of a name is."""
    chosen = config.socket_dir
    above = Path(chosen).expanduser() if chosen else paths.sockets_dir
    return above / name / SOCKET_NAME


def bind_named(config: LiteLLMConfig, paths: Paths, backlog: int) -> list[NamedSocket]:
    """Bind the sockets that the config names; all of them, or none.

    Raises:
        ProxyError: one cannot be had: somebody listens there, it is no socket, the path is too
            long, or its directory cannot be made.
    """
    if config.socket and config.socket_dir is None:
        private_directory(paths.sockets_dir)
    done: list[NamedSocket] = []
    try:
        done.extend(
            _bound(name, socket_path(config, paths, name), config, backlog)
            for name in dict.fromkeys(config.socket)
        )
    except BaseException:
        close(done)
        raise
    return done


def close(sockets: Iterable[NamedSocket]) -> None:
    """Close the sockets and remove their files."""
    for each in sockets:
        each.close()


def rows(sockets: Iterable[NamedSocket]) -> Iterator[dict[str, str]]:
    """The sockets as `status` shows them."""
    for each in sockets:
        yield {"name": each.name, "path": str(each.path)}


class UnixSite(web.BaseSite):
    """aiohttp's server on a unix socket that is bound already.

    Its own `SockSite` opens every socket as TCP, which uvloop does not do with these.
    """

    def __init__(self, runner: web.ServerRunner, socket: NamedSocket) -> None:
        super().__init__(runner)
        self._socket = socket

    @property
    def name(self) -> str:
        """The address for people."""
        return f"unix:{self._socket.path}"

    async def start(self) -> None:
        """Serve."""
        await super().start()
        server: Any = self._runner.server
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(server, sock=self._socket.bound)


def _bound(name: str, path: Path, config: LiteLLMConfig, backlog: int) -> NamedSocket:
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise ProxyError(
            f"socket {name}: {path} is longer than the {SOCKET_PATH_LIMIT} bytes of a socket",
            hint="set litellm.socket_dir to a shorter path",
        )
    try:
        path.parent.mkdir(mode=_PASSABLE, parents=True, exist_ok=True)
        _own(name, path.parent)
        _free(name, path)
        return _listening(name, path, MODES[config.socket_access], backlog)
    except OSError as error:
        raise ProxyError(
            f"socket {name}: cannot listen on {path}: {error.strerror}",
            hint="make its directory writable, or set litellm.socket_dir",
        ) from error


def _listening(name: str, path: Path, mode: int, backlog: int) -> NamedSocket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # By the umask and not by chmod: who can write into the directory, such as a container that
        # has it mounted, could put a link there in between, and have another file opened to all.
        before = os.umask(0o777 & ~mode)
        try:
            bound.bind(str(path))
        finally:
            os.umask(before)
        bound.listen(backlog)
        bound.setblocking(False)  # noqa: FBT003 - the signature is Python's
        return NamedSocket(name=name, path=path, bound=bound)
    except BaseException:
        bound.close()
        raise


def _own(name: str, directory: Path) -> None:
    """Make sure that nobody else can put another socket in the place of ours."""
    above, found = directory.parent.stat(), directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ProxyError(f"socket {name}: {directory} is not a directory")
    hint = "remove it, or set litellm.socket_dir to a directory of your own"
    if found.st_uid != os.geteuid():
        message = f"socket {name}: {directory} belongs to uid {found.st_uid}, not to you"
        raise ProxyError(message, hint=hint)
    anybody = above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX
    if anybody or above.st_uid not in {os.geteuid(), 0}:
        message = f"socket {name}: others can change {directory.parent}"
        raise ProxyError(message, hint="set litellm.socket_dir to a directory of your own")
    directory.chmod(_PASSABLE)


def _free(name: str, path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ProxyError(f"socket {name}: {path} is not a socket", hint=f"remove {path}")
    if listens(path):
        raise ProxyError(
            f"socket {name}: somebody listens on {path} already",
            hint="stop the other proxy, or give the container another name in litellm.socket",
        )
    path.unlink()


def listens(path: Path) -> bool:
    """Whether somebody listens on a unix socket.

    Raises:
        OSError: it cannot be opened, which is no answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(_CONNECT_SECONDS)
        try:
            trial.connect(str(path))
        except TimeoutError:
            return True  # its queue is full
        except OSError as error:
            if error.errno in {errno.ECONNREFUSED, errno.ENOENT}:
                return False
            if error.errno == errno.EAGAIN:
                return True
            raise
        return True
