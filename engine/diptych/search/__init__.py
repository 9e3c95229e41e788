"""The search leaf: Tantivy behind a door that no panic passes, and nothing of it trusted for durability."""
