; PHP. Its wheel's tags query lacks constants, enums and most calls, so it is not used.

(namespace_definition name: (namespace_name) @name body: (_)) @definition.namespace
(namespace_definition name: (namespace_name) @name) @definition.open_namespace
(class_declaration name: (name) @name) @definition.class
(interface_declaration name: (name) @name) @definition.interface
(trait_declaration name: (name) @name) @definition.trait
(enum_declaration name: (name) @name) @definition.enum
(enum_case name: (name) @name) @definition.constant
(const_element . (name) @name) @definition.constant
(property_declaration (property_element name: (variable_name (name) @name))) @definition.field
(property_promotion_parameter name: (variable_name (name) @name)) @definition.property
(method_declaration name: (name) @name) @definition.method
(function_definition name: (name) @name) @definition.function
(function_call_expression
  function: [(name) @_define (qualified_name !prefix (name) @_define)]
  arguments: (arguments . (argument [
    (string . (string_content) @name .)
    (encapsed_string . (string_content) @name .)]))
  (#match? @_define "^[dD]efine$")) @definition.constant
; A variable outside of functions is global. A closure is one, too.
(anonymous_function "function" @name) @definition.block
(arrow_function "fn" @name) @definition.block
(assignment_expression left: (variable_name (name) @name)) @definition.global
(assignment_expression left: (list_literal (variable_name (name) @name))) @definition.global

(class_declaration (base_clause [(name) @name (qualified_name (name) @name .)])) @reference.extends
(interface_declaration (base_clause [(name) @name (qualified_name (name) @name .)])) @reference.extends
(anonymous_class (base_clause [(name) @name (qualified_name (name) @name .)])) @reference.extends
(class_interface_clause [(name) @name (qualified_name (name) @name .)]) @reference.implements
(use_declaration [(name) @name (qualified_name (name) @name .)]) @reference.implements

(namespace_use_clause (qualified_name) @name) @reference.imports
(namespace_use_clause (qualified_name (name) @name .)) @reference.imports
(namespace_use_clause . (name) @name) @reference.imports

(namespace_use_declaration (namespace_name) @name) @reference.imports
; A path, also `__DIR__ . '/path'`.
(_ ["require" "require_once" "include" "include_once"] [
  (string (string_content) @name)
  (encapsed_string . (string_content) @name .)
  (binary_expression right: (string (string_content) @name))
  (parenthesized_expression (string (string_content) @name))
  (parenthesized_expression (binary_expression right: (string (string_content) @name)))]) @reference.imports

(function_call_expression function: [(name) @name (qualified_name (name) @name .)]) @reference.call
(member_call_expression name: (name) @name) @reference.call
(nullsafe_member_call_expression name: (name) @name) @reference.call
(scoped_call_expression name: (name) @name) @reference.call
(object_creation_expression [(name) @name (qualified_name (name) @name .)]) @reference.call
(named_type [(name) @name (qualified_name (name) @name .)]) @reference.references
(scoped_call_expression scope: [(name) @name (qualified_name (name) @name .)]) @reference.references
(scoped_property_access_expression scope: [(name) @name (qualified_name (name) @name .)]) @reference.references
(class_constant_access_expression . [(name) @name (qualified_name (name) @name .)]) @reference.references
(binary_expression operator: "instanceof" right: [(name) @name (qualified_name (name) @name .)]) @reference.references
(attribute [(name) @name (qualified_name (name) @name .)]) @reference.references

(comment) @comment
(attribute_list) @attribute
