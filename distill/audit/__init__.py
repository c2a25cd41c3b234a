"""The costs that the MobileNets paper prints (arXiv 1704.04861), against what its networks cost."""

from distill.audit.findings import Finding, audit
from distill.audit.printed import State, read_tables

__all__ = ["Finding", "State", "audit", "read_tables"]
