"""What sharing an index costs, measured on a real tree."""
