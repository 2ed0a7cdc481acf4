"""SQLModel tables, one file per noun. Models hold data; services act."""
