"""A stand-in for QuickBooks Online and Intuit's OAuth server: their wire format, their refusals, their limits.

Start one with `server.start(demo.demo_company())`. Everything lives in memory behind each company's lock. What the
vendor's documents leave open is a switch (`switches.Switches`), and what can go wrong on the way is a fault
(`sandbox.faults`). Vendor facts come from Intuit's public reference and schema (minor version 75).

Reading order: `server` → `intuit` (who calls, throttle, faults) → `api` (addresses) → `documents` (create, update,
delete, void) → the rules: `shape`, `names`, `sales`, `purchases`, `payments`, `taxes`, `numbers`.
"""
