"""python -m tests.campaign kills|faults|bits|fuzz [--hours H] [--seed S]"""

import os
import sys

# Before anything loads numpy or torch: processes are forked from this one.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "agg")

from tests.campaign.command import main

if __name__ == "__main__":
    sys.exit(main())
