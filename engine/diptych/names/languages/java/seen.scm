; The names of Java are collected by a walk from the root, which is an error if the file has too many.

(program) @names.root
(ERROR) @names.root
