; The names of C and C++ are collected by a walk from the root, which is an error if the file has too many.

(translation_unit) @names.root
(ERROR) @names.root
