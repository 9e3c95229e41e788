"""What comes out: a table on the terminal, and a page with plots."""
