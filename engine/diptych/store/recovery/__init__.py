"""What happens when a store is opened: `scan` reads, `plan` decides, `apply` acts and may be repeated."""
