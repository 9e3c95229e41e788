"""What the tests share: records to store, ways to damage a store, and what must hold of one."""
