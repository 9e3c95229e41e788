; What the grammar's own tags query lacks: variables and fields, type aliases, imports, base classes, annotations,
; decorators.

[(module) (class_definition)] @bound
(named_expression name: (identifier) @name) @definition.global

(type_alias_statement left: (type [(identifier) @name (generic_type (identifier) @name)])) @definition.type

(class_definition superclasses: (argument_list (identifier) @name)) @reference.extends
(class_definition superclasses: (argument_list (attribute attribute: (identifier) @name))) @reference.extends
(class_definition superclasses: (argument_list (subscript value: (identifier) @name))) @reference.extends
(class_definition superclasses: (argument_list
  (subscript value: (attribute attribute: (identifier) @name)))) @reference.extends
(class_definition superclasses: (argument_list (subscript subscript: (_) @annotation)))
(class_definition superclasses: (argument_list (keyword_argument value: (identifier) @name))) @reference.references
(class_definition superclasses: (argument_list
  (keyword_argument value: (attribute attribute: (identifier) @name)))) @reference.references

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
(typed_parameter type: (type) @annotation)
(typed_default_parameter type: (type) @annotation)
(function_definition return_type: (type) @annotation)
(assignment type: (type) @annotation)
(type_alias_statement right: (type) @annotation)
