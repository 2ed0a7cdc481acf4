"""RQ entry points: an id in, one service call, nothing else."""
