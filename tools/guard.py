"""The one bound on what must come: it tells a hang from a slow machine, and nothing else.

Nothing passes or fails by speed. A bound on time is only there so that a hang ends as a failure; it is long
enough for a machine that does eight other things at once.
"""

HANG_S = 300.0
