; What only the file itself can see.

(lambda) @names.lambda
(list_comprehension) @names.comprehension
(set_comprehension) @names.comprehension
(dictionary_comprehension) @names.comprehension
(generator_expression) @names.comprehension
(for_in_clause) @names.for
(augmented_assignment) @names.augmented
(nonlocal_statement) @names.nonlocal
(function_definition type_parameters: (type_parameter) @names.type_parameters)
(class_definition type_parameters: (type_parameter) @names.type_parameters)
