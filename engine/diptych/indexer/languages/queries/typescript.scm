; What TypeScript's tags query lacks: most declarations.

(type_alias_declaration name: (type_identifier) @name) @definition.type
(enum_declaration name: (identifier) @name) @definition.enum
(enum_body name: (property_identifier) @name @definition.constant)
(enum_assignment name: (property_identifier) @name) @definition.constant
(internal_module name: (identifier) @name) @definition.namespace
(module name: (string (string_fragment) @name)) @definition.module
(public_field_definition name: [(property_identifier) (private_property_identifier)] @name) @definition.field
(property_signature name: (property_identifier) @name) @definition.field
(program (ambient_declaration (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable))
(program (ambient_declaration (variable_declaration (variable_declarator name: (identifier) @name)) @definition.variable))
(internal_module body: (statement_block
  (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable))
(internal_module body: (statement_block
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @definition.variable)))

(extends_clause value: (identifier) @name) @reference.extends
(extends_clause value: (member_expression property: (property_identifier) @name)) @reference.extends
(extends_type_clause type: (type_identifier) @name) @reference.extends
(extends_type_clause type: (generic_type name: (type_identifier) @name)) @reference.extends
(extends_type_clause type: (nested_type_identifier name: (type_identifier) @name)) @reference.extends
(implements_clause (type_identifier) @name) @reference.implements
(implements_clause (generic_type name: (type_identifier) @name)) @reference.implements
(implements_clause (nested_type_identifier name: (type_identifier) @name)) @reference.implements

(import_require_clause source: (string (string_fragment) @name)) @reference.imports

(type_parameter name: (type_identifier) @name) @ignore
(type_identifier) @name @reference.references
