"""Objects and where they are: boxes with scores, scored by the average precision of COCO."""
