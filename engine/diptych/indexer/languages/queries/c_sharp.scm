; C#. Its wheel's tags query lacks members, so it is not used.

(namespace_declaration name: (_) @name) @definition.namespace
(file_scoped_namespace_declaration name: (_) @name) @definition.open_namespace
(class_declaration name: (identifier) @name) @definition.class
(record_declaration "struct" name: (identifier) @name) @definition.struct
(record_declaration name: (identifier) @name) @definition.class
(struct_declaration name: (identifier) @name) @definition.struct
(interface_declaration name: (identifier) @name) @definition.interface
(enum_declaration name: (identifier) @name) @definition.enum
(enum_member_declaration name: (identifier) @name) @definition.constant
(delegate_declaration name: (identifier) @name) @definition.type
(field_declaration (modifier) @_const
  (variable_declaration (variable_declarator name: (identifier) @name)) (#eq? @_const "const")) @definition.constant
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.field
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @definition.field
(event_declaration name: (identifier) @name) @definition.field
(property_declaration name: (identifier) @name accessors: (_)? @body) @definition.field
(record_declaration (parameter_list (parameter name: (identifier) @name) @definition.field))
(method_declaration name: (identifier) @name) @definition.method
(constructor_declaration name: (identifier) @name) @definition.method
(destructor_declaration name: (identifier) @name) @definition.method
(indexer_declaration "this" @name accessors: (_)? @body) @definition.method
(operator_declaration operator: _ @name) @definition.method
; It has no name but the type that it makes.
(conversion_operator_declaration ["implicit" "explicit"] @name) @definition.method
(local_function_statement name: (identifier) @name) @definition.function

(base_list [
  (identifier) @name
  (generic_name (identifier) @name)
  (qualified_name name: (identifier) @name)
  (qualified_name name: (generic_name (identifier) @name))
  (primary_constructor_base_type type: (identifier) @name)
  (primary_constructor_base_type type: (generic_name (identifier) @name))
  (primary_constructor_base_type type: (qualified_name name: (identifier) @name))]) @reference.extends

(using_directive !name [(identifier) (qualified_name)] @name) @reference.path
(using_directive name: (_) (qualified_name name: (identifier)) @name) @reference.path

(invocation_expression function: [
  (identifier) @name
  (generic_name (identifier) @name)
  (member_access_expression name: (identifier) @name)
  (member_access_expression name: (generic_name (identifier) @name))
  (conditional_access_expression (member_binding_expression name: (identifier) @name))
  (conditional_access_expression (member_binding_expression name: (generic_name (identifier) @name)))]) @reference.call
(object_creation_expression type: [
  (identifier) @name
  (generic_name (identifier) @name)
  (qualified_name name: (identifier) @name)
  (qualified_name name: (generic_name (identifier) @name))]) @reference.call
(attribute name: [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(_ type: [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(_ returns: [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(nullable_type [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(array_type [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(type_argument_list [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(as_expression right: [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(is_expression right: [(identifier) @name (qualified_name name: (identifier) @name)]) @reference.references
(generic_name (identifier) @name) @reference.references

(comment) @comment
(attribute_list) @attribute
