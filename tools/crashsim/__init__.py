"""The crash simulator: what may a power cut leave of a program's files, and does the program recover from
it?

It records a workload's system calls (`recorder`, `strace_lines`, `translate`), enumerates the states that
a crash may leave under two models of a file system (`models`, `variants`, `enumeration`, `states`,
`exploration`), checks each with the subject's oracle (`worker`, `pool`, `oracle`), and reports (`results`,
`terminal`, `page`).
"""
