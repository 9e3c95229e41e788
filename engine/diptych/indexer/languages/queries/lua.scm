; Lua. A function belongs to the table that its name begins with.

(function_declaration name: (identifier) @name) @definition.function
(function_declaration name: (dot_index_expression table: (_) @container field: (identifier) @name)) @definition.function
(function_declaration name: (method_index_expression table: (_) @container method: (identifier) @name)) @definition.method

(variable_declaration (assignment_statement
  (variable_list . name: (identifier) @name) (expression_list . value: (function_definition body: (_)? @body)))) @definition.function
(assignment_statement
  (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition body: (_)? @body))) @definition.function
(assignment_statement
  (variable_list . name: (dot_index_expression table: (_) @container field: (identifier) @name))
  (expression_list . value: (function_definition body: (_)? @body))) @definition.function
(assignment_statement
  (variable_list . name: (bracket_index_expression table: (_) @container field: (string content: (string_content) @name)))
  (expression_list . value: (function_definition body: (_)? @body))) @definition.function
(field name: (identifier) @name value: (function_definition body: (_)? @body)) @definition.function
(field
  name: (string content: (string_content) @name)
  value: (function_definition body: (_)? @body)) @definition.function
; A table in another, if it has functions.
(field
  name: (identifier) @name
  value: (table_constructor (field name: (_) value: (function_definition)))) @definition.field
(function_definition "function" @name) @definition.block

(chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition.variable)
(chunk (variable_declaration (variable_list name: (identifier) @name)) @definition.variable)
; Locals of a block.
(variable_declaration (assignment_statement (variable_list name: (identifier) @name)) @definition.expression)
(assignment_statement (variable_list name: (identifier) @name)) @definition.global
(chunk (assignment_statement
  (variable_list name: (dot_index_expression table: (_) @container field: (identifier) @name))) @definition.field)
(chunk ([(if_statement consequence: (block (assignment_statement
    (variable_list name: (dot_index_expression table: (_) @container field: (identifier) @name))) @definition.field))
  (do_statement body: (block (assignment_statement
    (variable_list name: (dot_index_expression table: (_) @container field: (identifier) @name))) @definition.field))]))

(function_call
  name: (identifier) @_require
  arguments: (arguments (string content: (string_content) @name))
  (#any-of? @_require "require" "dofile" "loadfile")) @reference.imports
(function_call
  name: (identifier) @_pcall
  arguments: (arguments . (identifier) @_require . (string content: (string_content) @name))
  (#eq? @_pcall "pcall") (#eq? @_require "require")) @reference.imports
(function_call name: (identifier) @name) @reference.call
(function_call name: (dot_index_expression field: (identifier) @name)) @reference.call
(function_call name: (method_index_expression method: (identifier) @name)) @reference.call

(comment) @comment
