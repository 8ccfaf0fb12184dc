"""The daemon's process: `python -m agentbox_cli.daemon --config FILE --port N --lock-fd N`."""

import sys

from agentbox_cli.daemon.serve import main

sys.exit(main(sys.argv[1:]))
