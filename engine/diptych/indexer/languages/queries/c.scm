; C's tags query takes each use of a tag and each function type for a definition, so it is not used. C++ takes
; these patterns too. What a declarator declares, languages/c_declarators.py says.

(function_definition declarator: (_) @declarator) @definition.declared
(field_declaration declarator: (_) @declarator) @definition.declared
(type_definition declarator: (_) @declarator) @definition.declared
; Those inside of a function are no symbols.
(translation_unit (declaration declarator: (_) @declarator) @definition.declared)
(linkage_specification (declaration declarator: (_) @declarator) @definition.declared)
(declaration_list (declaration declarator: (_) @declarator) @definition.declared)
(preproc_if (declaration declarator: (_) @declarator) @definition.declared)
(preproc_ifdef (declaration declarator: (_) @declarator) @definition.declared)
(preproc_else (declaration declarator: (_) @declarator) @definition.declared)
(preproc_elif (declaration declarator: (_) @declarator) @definition.declared)
(ERROR (declaration declarator: (_) @declarator) @definition.declared)

(struct_specifier name: (_) @declarator body: (_)) @definition.declared
(union_specifier name: (_) @declarator body: (_)) @definition.declared
(enum_specifier name: (_) @declarator body: (_)) @definition.declared
(enumerator name: (identifier) @name) @definition.constant
(preproc_def name: (identifier) @name) @definition.macro
(preproc_function_def name: (identifier) @name) @definition.macro

; `TEST_CASE("name") {`: what is in the block is no symbol of the file.
(translation_unit (compound_statement "{" @name) @definition.block)
(declaration_list (compound_statement "{" @name) @definition.block)
(preproc_if (compound_statement "{" @name) @definition.block)
(preproc_ifdef (compound_statement "{" @name) @definition.block)

; `__attribute__((nonnull(1)))` calls nothing.
(attribute_specifier (argument_list (call_expression function: (identifier) @name))) @ignore
(call_expression function: (identifier) @name) @reference.calls
(call_expression function: (parenthesized_expression (identifier) @name)) @reference.calls
(call_expression function: (field_expression field: (field_identifier) @name)) @reference.calls
(preproc_def value: (preproc_arg) @name) @reference.body
(preproc_function_def value: (preproc_arg) @name) @reference.body
(preproc_include path: (_) @name) @reference.include
(type_identifier) @name @reference.references
; `extern int x;` in a function: a use of what another file has.
(compound_statement (declaration (storage_class_specifier "extern") declarator: [
  (identifier) @name
  (pointer_declarator declarator: (identifier) @name)
  (array_declarator declarator: (identifier) @name)
]) @reference.references)

(comment) @comment
