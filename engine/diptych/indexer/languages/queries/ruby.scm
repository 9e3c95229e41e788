; Ruby. Its wheel's tags query takes each word for a call, so it is not used.

(module name: (constant) @name) @definition.module
(module name: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.module
(class name: (constant) @name) @definition.class
(class name: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.class
(program (method name: (_) @name) @definition.function)
(method name: (_) @name) @definition.method
(singleton_method name: (_) @name) @definition.method
(alias name: (identifier) @name) @definition.method
(assignment left: (constant) @name) @definition.constant
(assignment left: (left_assignment_list (constant) @name)) @definition.constant
(program (assignment left: (global_variable) @name) @definition.variable)
(class body: (body_statement (assignment left: (class_variable) @name) @definition.field))
(call
  !receiver
  method: (identifier) @_attribute
  arguments: (argument_list [(simple_symbol) @name (string (string_content) @name)])
  (#match? @_attribute "^attr_(reader|writer|accessor)$")) @definition.field

(superclass (constant) @name) @reference.extends
(superclass (scope_resolution name: (constant) @name)) @reference.extends
(call
  !receiver
  method: (identifier) @_include
  arguments: (argument_list [(constant) @name (scope_resolution name: (constant) @name)])
  (#match? @_include "^(include|extend|prepend)$")) @reference.implements
(call
  !receiver
  method: (identifier) @_require
  arguments: (argument_list (string (string_content) @name))
  (#match? @_require "^(require|require_relative|load)$")) @reference.imports
(call method: [(identifier) (constant)] @name) @reference.call
(call receiver: (constant) @name) @reference.references
(call receiver: (scope_resolution name: (constant) @name)) @reference.references

(comment) @comment
