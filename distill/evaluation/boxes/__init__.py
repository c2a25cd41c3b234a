"""Scores of detected boxes: COCO's twelve and their intervals, by class, and what kinds of error cost how much."""
