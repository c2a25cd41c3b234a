"""python -m distill COMMAND"""

import sys

from distill.cli import main

sys.exit(main())
