"""Local stand-ins for the vendors: real HTTP, their refusals and limits, and no line of code shared with `app`."""
