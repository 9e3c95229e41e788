"""Random queries over random documents, against an evaluator that looks at every document."""
