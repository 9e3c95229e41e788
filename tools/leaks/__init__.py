"""How many planted secrets are stopped, live and deleted, and how many clean texts are flagged."""
