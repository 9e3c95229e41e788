"""What reads of a store cost, beside the same reads of Tantivy and of SQLite."""
