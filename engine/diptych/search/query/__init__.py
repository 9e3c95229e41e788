"""The query language: from text to a tree (`grammar`, `plain`), and from the tree to Tantivy (`compile`)."""
