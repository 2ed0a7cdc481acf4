"""Use cases, in packages by subject: module = noun, function = verb, first argument = session."""
