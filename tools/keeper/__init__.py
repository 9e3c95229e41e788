"""A keeper that is killed again and again while several clients ask. See docs/testing.md."""
