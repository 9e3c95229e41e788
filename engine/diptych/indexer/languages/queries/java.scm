; Java's tags query takes each list of types for one of interfaces that are implemented, so it is not used.

(class_declaration name: (identifier) @name) @definition.class
(interface_declaration name: (identifier) @name) @definition.interface
(method_declaration name: (identifier) @name) @definition.method
(enum_declaration name: (identifier) @name) @definition.enum
(enum_constant name: (identifier) @name) @definition.constant
(record_declaration name: (identifier) @name) @definition.class
; The components of a record are its fields.
(record_declaration parameters: (formal_parameters (formal_parameter name: (identifier) @name) @definition.field))
(record_declaration parameters: (formal_parameters
  (spread_parameter (variable_declarator name: (identifier) @name)) @definition.field))
(annotation_type_declaration name: (identifier) @name) @definition.interface
(annotation_type_element_declaration name: (identifier) @name) @definition.method
(constructor_declaration name: (identifier) @name) @definition.method
(compact_constructor_declaration name: (identifier) @name) @definition.method
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.constant
(module_declaration name: (_) @name) @definition.module
(package_declaration [(identifier) (scoped_identifier)] @name) @definition.module

(superclass [
  (type_identifier) @name
  (scoped_type_identifier (type_identifier) @name .)
  (generic_type . [(type_identifier) @name (scoped_type_identifier (type_identifier) @name .)])]) @reference.extends
(extends_interfaces (type_list [
  (type_identifier) @name
  (scoped_type_identifier (type_identifier) @name .)
  (generic_type . [(type_identifier) @name (scoped_type_identifier (type_identifier) @name .)])])) @reference.extends
(super_interfaces (type_list [
  (type_identifier) @name
  (scoped_type_identifier (type_identifier) @name .)
  (generic_type . [(type_identifier) @name (scoped_type_identifier (type_identifier) @name .)])])) @reference.implements

(requires_module_directive module: (_) @name) @reference.imports
(uses_module_directive type: [(identifier) @name (scoped_identifier name: (identifier) @name)]) @reference.references
(provides_module_directive [(identifier) @name (scoped_identifier name: (identifier) @name)]) @reference.references
(import_declaration [(scoped_identifier) (identifier)] @name) @reference.path

(method_invocation name: (identifier) @name) @reference.calls
(object_creation_expression type: [
  (type_identifier) @name
  (scoped_type_identifier (type_identifier) @name .)
  (generic_type . [(type_identifier) @name (scoped_type_identifier (type_identifier) @name .)])]) @reference.calls
(method_reference (identifier) @name .) @reference.references
(marker_annotation name: (identifier) @name) @reference.references
(annotation name: (identifier) @name) @reference.references
(type_parameter (type_identifier) @name) @ignore
(scoped_type_identifier . (type_identifier) @name) @ignore
(scoped_type_identifier (scoped_type_identifier (type_identifier) @name .)) @ignore
(type_identifier) @name @reference.references

[(line_comment) (block_comment)] @comment
