"""`python -m agentbox_cli`, the same as `agentbox`."""

import sys

from agentbox_cli.front import main

sys.exit(main())
