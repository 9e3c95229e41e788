"""A checkpoint: both stores brought to one LSN, and published as a generation.

In order: `policy` says when one is due, and `scheduler` runs it in a private thread; `publish` begins a new
journal file, has `build` fill a directory with both stores, publishes it by one rename, shows it to readers,
and removes what `retention` does not keep. A crash anywhere before the rename leaves the generation before
and the journal, which hold everything.
"""
