"""Distil large vision models into MobileNets and ship the files, with the task score measured on those."""
