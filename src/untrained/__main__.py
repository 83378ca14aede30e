"""`python -m untrained` is the command `untrained`."""

import sys

from untrained.cli import main

sys.exit(main())
