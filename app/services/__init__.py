"""Use cases: module = noun, function = verb, first argument = session."""
