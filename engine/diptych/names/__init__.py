"""What a name refers to: facts of one file when it is indexed, links between files when one asks.

`facts` are plain values made from the bytes of one file by a module of `languages`. `resolve` follows them
from file to file, over a `Source` that gives the facts of a path. Nothing here opens a store or a file.
"""
