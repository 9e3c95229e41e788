; What Rust's tags query lacks, and what it calls a class.

(struct_item name: (type_identifier) @name) @definition.struct
(union_item name: (type_identifier) @name) @definition.struct
(enum_item name: (type_identifier) @name) @definition.enum
(enum_variant name: (identifier) @name) @definition.constant
(type_item name: (type_identifier) @name) @definition.type
(trait_item name: (type_identifier) @name) @definition.trait
(associated_type name: (type_identifier) @name) @definition.type
(function_item name: (identifier) @name) @definition.function
(function_signature_item name: (identifier) @name) @definition.function
(const_item name: (identifier) @name) @definition.constant
(static_item name: (identifier) @name) @definition.variable
(field_declaration name: (field_identifier) @name) @definition.field

; The methods of an impl belong to its type.
(impl_item type: [(type_identifier) (primitive_type)] @name) @scope
(impl_item type: (generic_type type: (type_identifier) @name)) @scope
(impl_item type: (scoped_type_identifier name: (type_identifier) @name)) @scope
(impl_item type: (generic_type type: (scoped_type_identifier name: (type_identifier) @name))) @scope
(impl_item type: (reference_type type: (type_identifier) @name)) @scope
(impl_item type: (reference_type type: (generic_type type: (type_identifier) @name))) @scope
(impl_item type: (reference_type type: [(primitive_type) (array_type) (tuple_type)] @name)) @scope
(impl_item type: (dynamic_type trait: (type_identifier) @name)) @scope
(impl_item type: (dynamic_type trait: (generic_type type: (type_identifier) @name))) @scope
; `[T]` or `(A, B)`, as it is written.
(impl_item type: [
  (array_type) (tuple_type) (unit_type) (pointer_type) (never_type) (function_type) (macro_invocation)
  (dynamic_type trait: (scoped_type_identifier))] @name) @scope

(impl_item trait: (type_identifier) @name) @reference.implements
(impl_item trait: (generic_type type: (type_identifier) @name)) @reference.implements
(impl_item trait: (scoped_type_identifier name: (type_identifier) @name)) @reference.implements
(impl_item trait: (generic_type type: (scoped_type_identifier name: (type_identifier) @name))) @reference.implements
(trait_item bounds: (trait_bounds (type_identifier) @name)) @reference.extends
(trait_item bounds: (trait_bounds (generic_type type: (type_identifier) @name))) @reference.extends
(trait_item bounds: (trait_bounds (scoped_type_identifier name: (type_identifier) @name))) @reference.extends
(trait_item bounds: (trait_bounds
  (generic_type type: (scoped_type_identifier name: (type_identifier) @name)))) @reference.extends

(use_declaration argument: (_) @name) @reference.use
(extern_crate_declaration name: (identifier) @name) @reference.imports

(call_expression function: (scoped_identifier name: (identifier) @name)) @reference.calls
(call_expression function: (generic_function function: (identifier) @name)) @reference.calls
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @name))) @reference.calls
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @name))) @reference.calls
(macro_invocation macro: (scoped_identifier name: (identifier) @name)) @reference.calls
(struct_expression name: (type_identifier) @name) @reference.calls
(struct_expression name: (scoped_type_identifier name: (type_identifier) @name)) @reference.calls

; The arguments of a macro are tokens: a name before parentheses is called.
(token_tree (identifier) @name . (token_tree "(")) @reference.calls
(token_tree (identifier) @name . "!" . (token_tree)) @reference.calls
(token_tree (identifier) @name . "::" . "<" (token_tree "(")) @reference.calls

(type_parameter name: (type_identifier) @name) @ignore
(type_identifier) @name @reference.references

(attribute_item) @attribute
; `//!` is inside of what it documents.
[(line_comment !inner) (block_comment !inner)] @comment
[(line_comment inner: (_)) (block_comment inner: (_))] @inner
