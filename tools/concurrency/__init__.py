"""Writers and readers at once, their history recorded, and a checker that decides if it can have been."""
