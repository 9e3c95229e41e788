"""The change feed: the transactions of the journal, for those who follow a store.

`cursor` reads the journal's transactions in order; `changes` gives them to a caller, with the records before
and after; `consumer` is a named consumer, whose position (`diptych.store.positions`) retention respects.
"""
