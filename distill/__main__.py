"""python -m distill COMMAND"""

import sys

from distill.cli import program

sys.exit(program())
