"""How true the index is: what it says of real code, held against what others know of it."""
