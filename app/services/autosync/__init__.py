"""AutoSync: what is due is submitted by itself, round by round."""
