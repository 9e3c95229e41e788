; Kotlin. The wheel has no tags query.

(package_header (qualified_identifier) @name) @definition.module
(class_declaration "interface" name: (identifier) @name) @definition.interface
(class_declaration (modifiers (class_modifier "enum")) name: (identifier) @name) @definition.enum
(class_declaration name: (identifier) @name) @definition.class
(object_declaration name: (identifier) @name) @definition.class
(companion_object name: (identifier) @name) @definition.class
(enum_entry (identifier) @name) @definition.constant
(type_alias type: (identifier) @name) @definition.type
(enum_entry (class_body (function_declaration name: (identifier) @name (function_body)? @body) @definition.method))
(object_literal (class_body (function_declaration name: (identifier) @name (function_body)? @body) @definition.method))
(function_declaration name: (identifier) @name (function_body)? @body) @definition.function
(secondary_constructor "constructor" @name (block)? @body) @definition.method
(class_parameter ["val" "var"] (identifier) @name) @definition.field
(source_file (property_declaration
  (modifiers (property_modifier "const")) (variable_declaration (identifier) @name)) @definition.constant)
(class_body (property_declaration
  (modifiers (property_modifier "const")) (variable_declaration (identifier) @name)) @definition.constant)
(source_file (property_declaration (variable_declaration (identifier) @name)) @definition.variable)
(source_file (property_declaration
  (multi_variable_declaration (variable_declaration (identifier) @name))) @definition.variable)
(class_body (property_declaration (variable_declaration (identifier) @name)) @definition.field)

(delegation_specifier (constructor_invocation (user_type (identifier) @name .))) @reference.extends
(delegation_specifier (constructor_invocation (user_type (identifier) @name . (type_arguments)))) @reference.extends
(delegation_specifier (user_type (identifier) @name .)) @reference.extends
(delegation_specifier (user_type (identifier) @name . (type_arguments))) @reference.extends
(delegation_specifier (explicit_delegation (user_type (identifier) @name .))) @reference.extends
(delegation_specifier (explicit_delegation (user_type (identifier) @name . (type_arguments)))) @reference.extends

(import (qualified_identifier) @name) @reference.path

(call_expression . (identifier) @name) @reference.call
(call_expression . (navigation_expression (identifier) @name .)) @reference.call
(infix_expression . (_) . (identifier) @name) @reference.call
(callable_reference "::" (identifier) @name .) @reference.references
(user_type (identifier) @name .) @reference.references
(user_type (identifier) @name . (type_arguments)) @reference.references

[(line_comment) (block_comment)] @comment
(annotation) @attribute
