"""The exchange of an index with others through SCIP. Only this folder imports its packages.

`messages`, `stream` the format · `reading` a file of others, `checking` it against the tree, `importing` it
into the store of precise answers · `packages`, `naming` symbols for our records, `resolving` their relations,
`exporting` them.
"""
