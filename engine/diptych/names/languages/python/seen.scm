; What other files can see of a Python file, and what determines its types.

(function_definition) @names.function
(class_definition) @names.class
(decorator) @names.decorator
(assignment) @names.assignment
(import_statement) @names.import
(import_from_statement) @names.import_from
(return_statement) @names.return
(for_statement) @names.for
(as_pattern) @names.as
(named_expression) @names.walrus
(global_statement) @names.global
(type_alias_statement) @names.alias
(case_clause) @names.case
