; What Go's tags query lacks, and what it names without saying what it is.

(type_spec name: (type_identifier) @name type: (struct_type)) @definition.struct
(type_spec name: (type_identifier) @name type: (interface_type)) @definition.interface
(type_alias name: (type_identifier) @name) @definition.type
(method_elem name: (field_identifier) @name) @definition.method
(field_declaration name: (field_identifier) @name) @definition.field

; A method belongs to the type of its receiver.
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @container
    (pointer_type (type_identifier) @container)
    (generic_type type: (type_identifier) @container)
    (pointer_type (generic_type type: (type_identifier) @container))
    (parenthesized_type (type_identifier) @container)
    (parenthesized_type (pointer_type (type_identifier) @container))
    (pointer_type (parenthesized_type (type_identifier) @container))]))
  name: (field_identifier) @name) @definition.method

(const_spec (identifier) @name) @definition.global_constant
(var_spec name: (identifier) @name) @definition.global
(package_clause (package_identifier) @name) @definition.module

(import_spec path: (interpreted_string_literal (interpreted_string_literal_content) @name)) @reference.imports
(import_spec path: (raw_string_literal (raw_string_literal_content) @name)) @reference.imports

; An embedded field is as near as Go comes to a base.
(field_declaration !name type: [
  (type_identifier) @name
  (qualified_type name: (type_identifier) @name)
  (generic_type type: [(type_identifier) @name (qualified_type name: (type_identifier) @name)])]) @reference.extends
; One of many is no base: `~int | string`.
(interface_type (type_elem . [
  (type_identifier) @name
  (qualified_type name: (type_identifier) @name)
  (generic_type type: [(type_identifier) @name (qualified_type name: (type_identifier) @name)])] .)) @reference.extends

(composite_literal type: (type_identifier) @name) @reference.calls
(composite_literal type: (qualified_type name: (type_identifier) @name)) @reference.calls
(composite_literal type: (generic_type type: [
  (type_identifier) @name (qualified_type name: (type_identifier) @name)])) @reference.calls
; `Decode[int](x)` is read as a conversion.
(type_conversion_expression type: (generic_type type: [
  (type_identifier) @name (qualified_type name: (type_identifier) @name)])) @reference.calls
(call_expression function: (type_instantiation_expression type: (type_identifier) @name)) @reference.calls

(comment) @comment
