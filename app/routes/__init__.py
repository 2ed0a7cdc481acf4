"""Pages: one blueprint per family. Parse, call a service, render."""
