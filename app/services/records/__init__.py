"""Records: the unposted list and what a person selects of it; one record from both sides."""
