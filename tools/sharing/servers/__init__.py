"""Real servers to share through, and stand-ins for those that cannot be had here; all on the loopback."""
