; Ruby. Its wheel's tags query takes each word for a call, so it is not used.

(module name: (constant) @name) @definition.module
(module name: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.module
(class name: (constant) @name) @definition.class
(class name: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.class
(class name: (scope_resolution !scope name: (constant) @name)) @definition.class
(module name: (scope_resolution !scope name: (constant) @name)) @definition.module
(program (method name: (_) @name) @definition.function)
(program (_ (then (method name: (_) @name) @definition.function)))
(program (call arguments: (argument_list (method name: (_) @name) @definition.function)))
(method name: (_) @name) @definition.method
(program (singleton_method object: (constant) @container name: (_) @name) @definition.method)
(singleton_method name: (_) @name) @definition.method
(alias name: [(identifier) (setter) (constant) (operator) (simple_symbol)] @name) @definition.method
(alias name: (global_variable) @name) @definition.variable

; A class that is made by a call, with its block; the members of a `Struct`.
([
  (assignment left: [
    (constant) @name
    (scope_resolution scope: (_) @container name: (constant) @name)]
    right: (call receiver: [(constant) (scope_resolution)] @_class method: (identifier) @_new block: (_)? @body)) @definition.class
  (operator_assignment left: (constant) @name
    right: (call receiver: [(constant) (scope_resolution)] @_class method: (identifier) @_new block: (_)? @body)) @definition.class]
  (#match? @_class "^(::)?(Class|Struct|Data)$") (#any-of? @_new "new" "define"))
(assignment left: (constant) @name right: (call
  receiver: (constant) @_module method: (identifier) @_new block: (_)? @body)
  (#eq? @_module "Module") (#eq? @_new "new")) @definition.module
([
  (assignment right: (call receiver: (_) @_class method: (identifier) @_new
    arguments: (argument_list (simple_symbol) @name @definition.field)))
  (superclass (call receiver: (_) @_class method: (identifier) @_new
    arguments: (argument_list (simple_symbol) @name @definition.field)))]
  (#match? @_class "^(::)?(Struct|Data)$") (#any-of? @_new "new" "define"))

(assignment left: (constant) @name) @definition.constant
(operator_assignment left: (constant) @name) @definition.constant
(assignment left: (left_assignment_list (constant) @name)) @definition.constant
(assignment left: (scope_resolution scope: (_) @container name: (constant) @name)) @definition.constant
(program (assignment left: (global_variable) @name) @definition.variable)
(program (operator_assignment left: (global_variable) @name) @definition.variable)
(class body: (body_statement (assignment left: (class_variable) @name) @definition.field))
(module body: (body_statement (assignment left: (class_variable) @name) @definition.field))

(call
  !receiver
  method: (identifier) @_attribute
  arguments: (argument_list [(simple_symbol) @name (string . (string_content) @name .)])
  (#match? @_attribute "^([cm]?attr_(reader|writer|accessor)|[cm]attr_internal(_(reader|writer|accessor))?|thread_[cm]attr_(reader|writer|accessor)|class_attribute)$")) @definition.field
(call
  !receiver
  method: (identifier) @_define
  arguments: (argument_list . [(simple_symbol) @name (string . (string_content) @name .)])
  block: (_)? @body
  (#any-of? @_define "define_method" "define_singleton_method" "alias_method")) @definition.method
; Forwardable: methods that call those of another object.
(call
  !receiver
  method: (identifier) @_delegate
  arguments: (argument_list . (_) (simple_symbol) @name)
  (#any-of? @_delegate "def_delegators" "def_instance_delegators")) @definition.method
(call
  !receiver
  method: (identifier) @_delegate
  arguments: (argument_list . (_) . (simple_symbol) . (simple_symbol)? @name)
  (#any-of? @_delegate "def_delegator" "def_instance_delegator")) @definition.method
(call
  !receiver
  method: (identifier) @_delegate
  arguments: (argument_list (simple_symbol) @name (pair key: (hash_key_symbol) @_to))
  (#eq? @_delegate "delegate") (#eq? @_to "to")) @definition.method

(superclass (constant) @name) @reference.extends
(superclass (scope_resolution name: (constant) @name)) @reference.extends
(assignment right: (call
  receiver: (constant) @_class
  method: (identifier) @_new
  arguments: (argument_list . [(constant) @name (scope_resolution name: (constant) @name)])
  (#eq? @_class "Class") (#eq? @_new "new"))) @reference.extends
(call
  !receiver
  method: (identifier) @_include
  arguments: (argument_list [(constant) @name (scope_resolution name: (constant) @name)])
  (#match? @_include "^(include|extend|prepend)$")) @reference.implements
(call
  !receiver
  method: (identifier) @_require
  arguments: (argument_list . (string . (string_content) @name .) .)
  (#match? @_require "^(require|require_relative|load)$")) @reference.imports
(call
  !receiver
  method: (identifier) @_autoload
  arguments: (argument_list . (simple_symbol) . (string . (string_content) @name .))
  (#eq? @_autoload "autoload")) @reference.imports
(call method: [(identifier) (constant)] @name) @reference.call
; A constant is nearly always a class or a module: `rescue NotFound`, `is_a?(Shape)`.
(constant) @name @reference.references

(comment) @comment
