; What C++ adds to C.

(class_specifier name: (_) @declarator body: (_)) @definition.declared
(template_declaration (declaration declarator: (_) @declarator) @definition.declared)
(field_declaration_list (declaration declarator: (_) @declarator) @definition.declared)
(namespace_definition name: (namespace_identifier) @name) @definition.namespace
(namespace_definition name: (nested_namespace_specifier) @qualified) @definition.namespace
(namespace_alias_definition name: (namespace_identifier) @name) @definition.namespace
(alias_declaration name: (type_identifier) @name) @definition.type
(concept_definition name: (identifier) @name) @definition.type
(translation_unit (declaration declarator: (init_declarator
  declarator: (structured_binding_declarator (identifier) @name))) @definition.global)

; `template <…>` stands above what it is of.
(template_declaration parameters: (_) @attribute)
(type_parameter_declaration (type_identifier) @name) @ignore
(optional_type_parameter_declaration name: (type_identifier) @name) @ignore
(variadic_type_parameter_declaration (type_identifier) @name) @ignore

(base_class_clause [
  (type_identifier) @name
  (template_type name: (type_identifier) @name)
  (qualified_identifier name: [
    (type_identifier) @name
    (template_type name: (type_identifier) @name)
    (qualified_identifier name: [
      (type_identifier) @name
      (template_type name: (type_identifier) @name)
      (qualified_identifier name: [
        (type_identifier) @name
        (template_type name: (type_identifier) @name)])])])]) @reference.extends

(call_expression function: [
  (template_function name: (identifier) @name)
  (qualified_identifier name: [
    (identifier) @name
    (template_function name: (identifier) @name)
    (qualified_identifier name: [
      (identifier) @name
      (template_function name: (identifier) @name)
      (qualified_identifier name: [
        (identifier) @name
        (template_function name: (identifier) @name)
        (qualified_identifier name: [
          (identifier) @name
          (template_function name: (identifier) @name)])])])])]) @reference.calls
(call_expression function: (field_expression field: [
  (template_method name: (field_identifier) @name)
  (dependent_name (template_method name: (field_identifier) @name))
  (qualified_identifier name: (identifier) @name)])) @reference.calls
(new_expression type: [
  (type_identifier) @name
  (template_type name: (type_identifier) @name)
  (qualified_identifier name: [
    (type_identifier) @name
    (template_type name: (type_identifier) @name)
    (qualified_identifier name: [
      (type_identifier) @name
      (template_type name: (type_identifier) @name)])])]) @reference.calls
(using_declaration (qualified_identifier) @name) @reference.imports
(using_declaration (identifier) @name) @reference.imports
