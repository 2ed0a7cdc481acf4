"""Posting: the runs of a batch, exactly once; ``running`` goes through the stages, one module each."""
