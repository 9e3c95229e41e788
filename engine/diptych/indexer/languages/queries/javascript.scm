; What only JavaScript's grammar has names for.

(field_definition property: [(property_identifier) (private_property_identifier) (string) (number)
  (computed_property_name)] @name) @definition.field

(class_heritage (identifier) @name) @reference.extends
(class_heritage (member_expression property: (property_identifier) @name)) @reference.extends
(class_heritage (call_expression function: (identifier) @name)) @reference.extends
(class_heritage (call_expression function: (member_expression property: (property_identifier) @name))) @reference.extends
