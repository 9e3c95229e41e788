"""Damage to a store at rest: bytes flipped, files cut short and exchanged; and what comes of each."""
