"""Artifacts: indexes published for other machines. Push one to a remote, pull it into a clone."""
