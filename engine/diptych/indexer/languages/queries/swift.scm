; Swift. Its wheel's tags query takes methods' names for those of their classes, so it is not used.

(class_declaration "class" name: (type_identifier) @name) @definition.class
(class_declaration "actor" name: (type_identifier) @name) @definition.class
(class_declaration "struct" name: (type_identifier) @name) @definition.struct
(class_declaration "enum" name: (type_identifier) @name) @definition.enum
; An extension has members, and is no definition of the type.
(class_declaration "extension" name: (user_type (type_identifier) @name .)) @scope
(protocol_declaration name: (type_identifier) @name) @definition.interface
(enum_entry name: (simple_identifier) @name) @definition.constant
(typealias_declaration name: (type_identifier) @name) @definition.type
(associatedtype_declaration name: (type_identifier) @name) @definition.type
(function_declaration "func" . [(simple_identifier) (custom_operator)] @name) @definition.function
(function_declaration name: [
  "!" "!=" "!==" "%" "%=" "&" "&&" "*" "*=" "+" "++" "+=" "-" "--" "-=" "->" "." "..." "..<" "/" "/=" "<" "<<" "<=" "=" "==" "===" ">" ">=" ">>" "?" "??" "^" "|" "||" "~"] @name) @definition.function
(macro_declaration (simple_identifier) @name) @definition.function
(protocol_function_declaration name: (simple_identifier) @name) @definition.method
(protocol_function_declaration name: [
  "!" "!=" "!==" "%" "%=" "&" "&&" "*" "*=" "+" "++" "+=" "-" "--" "-=" "->" "." "..." "..<" "/" "/=" "<" "<<" "<=" "=" "==" "===" ">" ">=" ">>" "?" "??" "^" "|" "||" "~"] @name) @definition.method
(init_declaration "init" @name) @definition.method
(deinit_declaration "deinit" @name) @definition.method
(subscript_declaration "subscript" @name) @definition.method
(source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.variable)
(source_file (property_declaration name: (pattern (pattern (simple_identifier) @name))) @definition.variable)
(class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.field)
(class_body (property_declaration name: (pattern (pattern (simple_identifier) @name))) @definition.field)
(enum_class_body (property_declaration
  name: (pattern bound_identifier: (simple_identifier) @name)) @definition.field)
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @definition.field

(inheritance_specifier inherits_from: (user_type (type_identifier) @name .)) @reference.extends
(inheritance_specifier inherits_from: (user_type (type_identifier) @name . (type_arguments))) @reference.extends
(import_declaration (identifier) @name) @reference.imports

(call_expression . (simple_identifier) @name) @reference.call
(call_expression . (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @name))) @reference.call
(user_type (type_identifier) @name) @reference.references

[(comment) (multiline_comment)] @comment
(attribute) @attribute
