; Scala. Its wheel's tags query has local variables too, so it is not used.

(package_clause name: (package_identifier) @name) @definition.module
(class_definition name: (identifier) @name) @definition.class
(object_definition name: (identifier) @name) @definition.class
(package_object name: (identifier) @name) @definition.class
(trait_definition name: (identifier) @name) @definition.trait
(enum_definition name: (identifier) @name) @definition.enum
(simple_enum_case name: (identifier) @name) @definition.constant
(full_enum_case name: (identifier) @name) @definition.constant
(type_definition name: (type_identifier) @name) @definition.type
(function_definition name: (_) @name) @definition.function
(function_declaration name: (_) @name) @definition.function
(class_definition class_parameters: (class_parameters (class_parameter ["val" "var"] name: (identifier) @name) @definition.field))
(class_definition "case" class_parameters: (class_parameters (class_parameter name: (identifier) @name) @definition.field))
(enum_definition class_parameters: (class_parameters (class_parameter ["val" "var"] name: (identifier) @name) @definition.field))
(full_enum_case class_parameters: (class_parameters (class_parameter name: (identifier) @name) @definition.field))
(compilation_unit (val_definition pattern: (identifier) @name) @definition.variable)
(compilation_unit (val_definition pattern: (identifiers (identifier) @name)) @definition.variable)
(compilation_unit (val_definition pattern: (case_class_pattern pattern: (identifier) @name)) @definition.variable)
(compilation_unit (val_definition pattern: (tuple_pattern (identifier) @name)) @definition.variable)
(compilation_unit (var_definition pattern: (identifier) @name) @definition.variable)
(template_body (val_definition pattern: (identifier) @name) @definition.field)
(template_body (val_definition pattern: (identifiers (identifier) @name)) @definition.field)
(template_body (val_definition pattern: (case_class_pattern pattern: (identifier) @name)) @definition.field)
(template_body (var_definition pattern: (identifiers (identifier) @name)) @definition.field)
(template_body (val_definition pattern: (tuple_pattern (identifier) @name)) @definition.field)
(template_body (var_definition pattern: (identifier) @name) @definition.field)
(template_body (val_declaration name: (identifier) @name) @definition.field)
(template_body (var_declaration name: (identifier) @name) @definition.field)
(given_definition name: (identifier) @name body: [(template_body) (with_template_body)] @body) @definition.class
(given_definition name: (identifier) @name) @definition.global

(extends_clause (type_identifier) @name) @reference.extends
(extends_clause (generic_type type: (type_identifier) @name)) @reference.extends
(extends_clause (stable_type_identifier (type_identifier) @name .)) @reference.extends

(import_declaration (identifier) @name .) @reference.imports
(import_declaration (identifier) @name . (namespace_selectors)) @reference.imports
(import_declaration (identifier) @name . (namespace_wildcard)) @reference.imports
(import_declaration (as_renamed_identifier name: (identifier) @name)) @reference.imports
(export_declaration (identifier) @name .) @reference.imports
(export_declaration (identifier) @name . [(namespace_wildcard) (namespace_selectors)]) @reference.imports
(namespace_selectors (identifier) @name) @reference.imports
(namespace_selectors (arrow_renamed_identifier name: (identifier) @name)) @reference.imports

(call_expression function: (identifier) @name) @reference.call
(call_expression function: (field_expression field: (identifier) @name)) @reference.call
(call_expression function: (generic_function function: (identifier) @name)) @reference.call
(call_expression function: (generic_function function: (field_expression field: (identifier) @name))) @reference.call
(infix_expression operator: (identifier) @name) @reference.call
(instance_expression (type_identifier) @name) @reference.call
(instance_expression (generic_type type: (type_identifier) @name)) @reference.call
(type_identifier) @name @reference.references

[(comment) (block_comment)] @comment
(annotation) @attribute
