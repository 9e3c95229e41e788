; What C++ adds to C.

(class_specifier name: (type_identifier) @name body: (_)) @definition.class
(class_specifier name: (template_type name: (type_identifier) @name) body: (_)) @definition.class
(struct_specifier name: (template_type name: (type_identifier) @name) body: (_)) @definition.struct
(namespace_definition name: (_) @name) @definition.namespace
(alias_declaration name: (type_identifier) @name) @definition.type
(concept_definition name: (identifier) @name) @definition.type

(function_definition declarator: (function_declarator
  declarator: [(field_identifier) (destructor_name) (operator_name)] @name)) @definition.method
(function_definition declarator: (reference_declarator (function_declarator
  declarator: [(field_identifier) (operator_name)] @name))) @definition.method
(function_definition declarator: (pointer_declarator (function_declarator
  declarator: (field_identifier) @name))) @definition.method
(function_definition declarator: (reference_declarator (function_declarator
  declarator: (identifier) @name))) @definition.function
(field_declaration declarator: (function_declarator
  declarator: [(field_identifier) (operator_name)] @name)) @definition.method
(field_declaration declarator: (reference_declarator (function_declarator
  declarator: [(field_identifier) (operator_name)] @name))) @definition.method
(field_declaration declarator: (pointer_declarator (function_declarator
  declarator: (field_identifier) @name))) @definition.method
(declaration declarator: (function_declarator
  declarator: [(destructor_name) (operator_name)] @name)) @definition.method

; `void Stack::push()`: the qualifier is the container.
(function_definition declarator: (function_declarator
  declarator: (qualified_identifier) @qualified)) @definition.method
(function_definition declarator: (reference_declarator (function_declarator
  declarator: (qualified_identifier) @qualified))) @definition.method
(function_definition declarator: (pointer_declarator (function_declarator
  declarator: (qualified_identifier) @qualified))) @definition.method

; `template <…>` stands above what it is of.
(template_declaration parameters: (_) @attribute)
(type_parameter_declaration (type_identifier) @name) @ignore

(base_class_clause (type_identifier) @name) @reference.extends
(base_class_clause (template_type name: (type_identifier) @name)) @reference.extends
(base_class_clause (qualified_identifier name: (type_identifier) @name)) @reference.extends
(base_class_clause (qualified_identifier name: (template_type name: (type_identifier) @name))) @reference.extends

(call_expression function: (qualified_identifier name: (identifier) @name)) @reference.calls
(call_expression function: (qualified_identifier name: (qualified_identifier name: (identifier) @name))) @reference.calls
(call_expression function: (template_function name: (identifier) @name)) @reference.calls
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @name))) @reference.calls
(new_expression type: (type_identifier) @name) @reference.calls
(using_declaration (qualified_identifier) @name) @reference.imports
(using_declaration (identifier) @name) @reference.imports
