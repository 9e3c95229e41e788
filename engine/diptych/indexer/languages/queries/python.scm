; What the grammar's own tags query lacks: fields, type aliases, imports, base classes, annotations, decorators.

(class_definition
  body: (block (expression_statement (assignment left: (identifier) @name) @definition.field)))

(type_alias_statement left: (type [(identifier) @name (generic_type (identifier) @name)])) @definition.type

(class_definition superclasses: (argument_list (identifier) @name)) @reference.extends
(class_definition superclasses: (argument_list (attribute attribute: (identifier) @name))) @reference.extends
(class_definition superclasses: (argument_list (subscript value: (identifier) @name))) @reference.extends
(class_definition superclasses: (argument_list
  (subscript value: (attribute attribute: (identifier) @name)))) @reference.extends

(import_statement name: (dotted_name) @name) @reference.imports
(import_statement name: (aliased_import name: (dotted_name) @name)) @reference.imports
(import_from_statement module_name: (_) @name) @reference.imports
(import_from_statement name: (dotted_name) @name) @reference.imports
(import_from_statement name: (aliased_import name: (dotted_name) @name)) @reference.imports
(future_import_statement name: (dotted_name) @name) @reference.imports

(decorator (identifier) @name) @reference.references
(decorator (attribute attribute: (identifier) @name)) @reference.references

(type (identifier) @name) @reference.references
(type (attribute attribute: (identifier) @name)) @reference.references
(type (binary_operator (identifier) @name)) @reference.references
(type (binary_operator (binary_operator (identifier) @name))) @reference.references
(generic_type (identifier) @name) @reference.references
