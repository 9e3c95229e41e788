; What TypeScript's tags query lacks: most declarations.

(internal_module body: (statement_block) @bound)
(module body: (statement_block) @bound)

(type_alias_declaration name: (type_identifier) @name) @definition.type
(enum_declaration name: (identifier) @name) @definition.enum
(enum_body name: [(property_identifier) (string) (computed_property_name)] @name @definition.constant)
(enum_assignment name: [(property_identifier) (string) (computed_property_name)] @name) @definition.constant
(internal_module name: [(identifier) (nested_identifier)] @name) @definition.namespace
(module name: [(identifier) (nested_identifier)] @name) @definition.namespace
(module name: (string) @name) @definition.module
(public_field_definition name: [(property_identifier) (private_property_identifier) (string) (number)
  (computed_property_name)] @name) @definition.field
(property_signature name: [(property_identifier) (string) (number)
  (computed_property_name)] @name) @definition.inner_field
(method_signature name: [(property_identifier) (private_property_identifier) (string) (number)
  (computed_property_name)] @name) @definition.inner_method
(abstract_method_signature name: [(property_identifier) (private_property_identifier) (string) (number)
  (computed_property_name)] @name) @definition.method
(construct_signature "new" @name) @definition.method
(import_alias . (identifier) @name) @definition.global

; A parameter of a constructor that has a modifier is a field of the class.
(required_parameter (accessibility_modifier) pattern: (identifier) @name) @definition.property
(required_parameter "readonly" pattern: (identifier) @name) @definition.property
(required_parameter (override_modifier) pattern: (identifier) @name) @definition.property
(optional_parameter (accessibility_modifier) pattern: (identifier) @name) @definition.property
(optional_parameter "readonly" pattern: (identifier) @name) @definition.property
(optional_parameter (override_modifier) pattern: (identifier) @name) @definition.property

(extends_clause value: (identifier) @name) @reference.extends
(extends_clause value: (member_expression property: (property_identifier) @name)) @reference.extends
(extends_clause value: (call_expression function: (identifier) @name)) @reference.extends
(extends_clause value: (call_expression
  function: (member_expression property: (property_identifier) @name))) @reference.extends
(extends_type_clause type: (type_identifier) @name) @reference.extends
(extends_type_clause type: (generic_type name: (type_identifier) @name)) @reference.extends
(extends_type_clause type: (nested_type_identifier name: (type_identifier) @name)) @reference.extends
(extends_type_clause type: (generic_type name: (nested_type_identifier name: (type_identifier) @name))) @reference.extends
(implements_clause (type_identifier) @name) @reference.implements
(implements_clause (generic_type name: (type_identifier) @name)) @reference.implements
(implements_clause (nested_type_identifier name: (type_identifier) @name)) @reference.implements
(implements_clause (generic_type name: (nested_type_identifier name: (type_identifier) @name))) @reference.implements

(import_require_clause source: (string (string_fragment) @name)) @reference.imports

(type_parameter name: (type_identifier) @name) @ignore
(type_identifier) @name @reference.references
