"""FastMCP's own proxy of one stdio server, on a free port, which it prints."""

import socket
import sys

from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy


def main() -> None:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    print(port, flush=True)
    transport = StdioTransport(command=sys.executable, args=[sys.argv[1]])
    create_proxy(transport).run(
        transport="http", host="127.0.0.1", port=port, show_banner=False, log_level="ERROR"
    )


if __name__ == "__main__":
    main()
