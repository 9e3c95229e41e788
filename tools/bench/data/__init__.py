"""The data that is measured on: real source trees, and a generated store of any size."""
