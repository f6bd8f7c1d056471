"""From a folder of photos to a dataset: find the faces, level, crop, judge, and say why."""
