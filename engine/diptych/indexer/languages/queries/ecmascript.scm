; What JavaScript's tags query lacks, and TypeScript shares.

(method_definition name: [(property_identifier) (private_property_identifier) (string) (number)] @name) @definition.method
(method_definition name: (computed_property_name) @name) @definition.method

(program (lexical_declaration
  (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @definition.function)
(program (variable_declaration
  (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @definition.function)
(program (export_statement (lexical_declaration
  (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @definition.function))

(program (lexical_declaration (variable_declarator name: (identifier) @name value: (class)) @definition.class))
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(program (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable))
(program (export_statement (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable))

(import_statement source: (string (string_fragment) @name)) @reference.imports
(export_statement source: (string (string_fragment) @name)) @reference.imports
(export_statement (export_clause (export_specifier name: (identifier) @name)) source: (_)) @reference.imports
(import_specifier name: (identifier) @name) @reference.imports
(import_clause (identifier) @name) @reference.imports
(call_expression
  function: (identifier) @_function
  arguments: (arguments . (string (string_fragment) @name))
  (#eq? @_function "require")) @reference.imports
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @name))) @reference.imports

(new_expression constructor: (identifier) @name) @reference.calls
(new_expression constructor: (member_expression property: (property_identifier) @name)) @reference.calls
(new_expression constructor: (_) @name) @ignore

(comment) @comment
(decorator) @attribute
(decorator (identifier) @name) @reference.references
(decorator (member_expression property: (property_identifier) @name)) @reference.references
