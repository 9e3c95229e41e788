; What Java's tags query lacks.

(enum_declaration name: (identifier) @name) @definition.enum
(enum_constant name: (identifier) @name) @definition.constant
(record_declaration name: (identifier) @name) @definition.class
(annotation_type_declaration name: (identifier) @name) @definition.interface
(annotation_type_element_declaration name: (identifier) @name) @definition.method
(constructor_declaration name: (identifier) @name) @definition.method
(compact_constructor_declaration name: (identifier) @name) @definition.method
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @definition.constant
(package_declaration [(identifier) (scoped_identifier)] @name) @definition.module

(superclass (type_identifier) @name) @reference.extends
(superclass (generic_type (type_identifier) @name)) @reference.extends
(superclass (scoped_type_identifier (type_identifier) @name .)) @reference.extends
(extends_interfaces (type_list (type_identifier) @name)) @reference.extends
(extends_interfaces (type_list (generic_type (type_identifier) @name))) @reference.extends
(super_interfaces (type_list (type_identifier) @name)) @reference.implements
(super_interfaces (type_list (generic_type (type_identifier) @name))) @reference.implements
(super_interfaces (type_list (scoped_type_identifier (type_identifier) @name .))) @reference.implements

(import_declaration [(scoped_identifier) (identifier)] @name) @reference.path

(object_creation_expression type: (type_identifier) @name) @reference.calls
(object_creation_expression type: (generic_type (type_identifier) @name)) @reference.calls
(object_creation_expression type: (scoped_type_identifier (type_identifier) @name .)) @reference.calls
(method_reference (identifier) @name .) @reference.references
(marker_annotation name: (identifier) @name) @reference.references
(annotation name: (identifier) @name) @reference.references
(type_parameter (type_identifier) @name) @ignore
(scoped_type_identifier . (type_identifier) @name) @ignore
(scoped_type_identifier (scoped_type_identifier (type_identifier) @name .)) @ignore
(type_identifier) @name @reference.references

[(line_comment) (block_comment)] @comment
