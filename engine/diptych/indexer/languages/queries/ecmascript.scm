; What JavaScript's tags query lacks, and TypeScript shares.

(program) @bound

(method_definition name: [(property_identifier) (private_property_identifier) (string) (number)] @name) @definition.method
(method_definition name: (computed_property_name) @name) @definition.method

; Functions that have their names from what they are assigned to.
(variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class
(pair key: [(property_identifier) (string) (private_property_identifier) (computed_property_name)] @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]) @definition.function

; Members of a prototype.
(assignment_expression
  left: (member_expression
    object: (member_expression object: (identifier) @container property: (property_identifier) @_prototype)
    property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]
  (#eq? @_prototype "prototype")) @definition.method
(assignment_expression
  left: (member_expression
    object: (member_expression object: (identifier) @container property: (property_identifier) @_prototype)
    property: (property_identifier) @name)
  (#eq? @_prototype "prototype")) @definition.field
(assignment_expression
  left: (member_expression object: (identifier) @name property: (property_identifier) @_prototype)
  right: (object)
  (#eq? @_prototype "prototype")) @scope

; A function of an object, a class or a function; what a module exports is the module's.
(assignment_expression
  left: (member_expression object: (identifier) @container property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]
  (#not-match? @container "^(exports|module|window|globalThis|self|global)$")) @definition.function
(assignment_expression
  left: [(identifier) @name (member_expression property: [(property_identifier) (private_property_identifier)] @name)]
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]) @definition.function
(assignment_expression
  left: (member_expression object: (identifier) @container property: (property_identifier) @name)
  right: (class body: (_) @body)
  (#not-match? @container "^(exports|module|window|globalThis|self|global)$")) @definition.class
(assignment_expression
  left: [(identifier) @name (member_expression property: (property_identifier) @name)]
  right: (class body: (_) @body)) @definition.class

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

(call_expression function: (member_expression property: (private_property_identifier) @name)) @reference.calls
(new_expression constructor: (identifier) @name) @reference.calls
(new_expression constructor: (member_expression property: [(property_identifier) (private_property_identifier)] @name)) @reference.calls
(new_expression constructor: (_) @name) @ignore

(comment) @comment
(decorator) @attribute
(decorator (identifier) @name) @reference.references
(decorator (member_expression property: (property_identifier) @name)) @reference.references

; `res.type = function contentType() {`: the function has a name already. `module.exports` is none.
(assignment_expression
  left: (_) @_left
  right: [(function_expression name: (_) @name) (generator_function name: (_) @name) (class name: (_) @name)] @definition.expression
  (#not-match? @_left "^(module[.])?exports$"))
(variable_declarator
  value: [(function_expression name: (_) @name) (generator_function name: (_) @name) (class name: (_) @name)] @definition.expression)
(pair
  value: [(function_expression name: (_) @name) (generator_function name: (_) @name)] @definition.expression)
