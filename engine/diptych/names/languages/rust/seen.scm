; The names of Rust are collected by a walk from the root, which is an error if the file has too many.

(source_file) @names.root
(ERROR) @names.root
