"""The store: transaction, overlay, view, checkpoint, recovery, verify, repair."""
