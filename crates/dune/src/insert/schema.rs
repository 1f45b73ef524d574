//! Columns from the JSON schema of a struct.

use schemars::{
    JsonSchema,
    schema::{InstanceType, RootSchema, Schema, SchemaObject, SingleOrVec},
};

use super::{InsertColumn, InsertError, InsertErrorKind, InsertRows};

impl InsertRows {
    /// Declares the columns from the fields of a struct, by its `JsonSchema`. With the feature
    /// `schemars`.
    ///
    /// | field | column |
    /// |---|---|
    /// | `bool` | `boolean` |
    /// | `i8` to `i32`, `u8`, `u16` | `integer` |
    /// | `i64`, `u32`, `u64` and other integers | `bigint`; a larger value is an error of its row |
    /// | `f32`, `f64` | `double` |
    /// | `String`, enums of strings | `varchar` |
    /// | times and dates of `chrono` and others with a format | `timestamp`, `date` |
    /// | `Option` of these | the same, nullable |
    ///
    /// For other columns, such as `uint256`, declare them by [`columns`](Self::columns).
    ///
    /// # Errors
    ///
    /// The type is not a struct with named fields, or a field has no such type.
    pub fn columns_of<T: JsonSchema>(self) -> Result<Self, InsertError> {
        let root = schemars::schema_for!(T);
        let columns = columns(&root)
            .map_err(|said| InsertError::new(InsertErrorKind::InvalidRequest, said))?;
        Ok(self.columns(columns))
    }
}

fn columns(root: &RootSchema) -> Result<Vec<InsertColumn>, String> {
    let object = root.schema.object.as_ref();
    let fields = object.filter(|object| !object.properties.is_empty());
    let fields = fields.ok_or("columns come from a struct with named fields")?;
    let columns = fields.properties.iter().map(|(name, schema)| {
        let (type_name, is_nullable) = declared(root, schema).ok_or_else(|| {
            format!("the field `{name}` has no column type of its own; declare it with columns()")
        })?;
        let column = InsertColumn::new(name, type_name);
        let is_required = fields.required.contains(name) && !is_nullable;
        Ok(if is_required {
            column.not_null()
        } else {
            column
        })
    });
    columns.collect()
}

/// The type of a column, and whether the schema accepts `null`.
fn declared(root: &RootSchema, schema: &Schema) -> Option<(&'static str, bool)> {
    let Schema::Object(schema) = schema else {
        return None;
    };
    if let Some(name) = &schema.reference {
        let name = name.strip_prefix("#/definitions/")?;
        return declared(root, root.definitions.get(name)?);
    }
    if let Some(any) = schema.subschemas.as_ref() {
        // `Option<T>` of a named type is one of `T` and `null`; one documented field is all of one.
        let parts = any.any_of.as_ref().or(any.all_of.as_ref())?;
        let is_null = |part: &&Schema| matches!(part, Schema::Object(part) if types(part) == [InstanceType::Null]);
        let nullable = parts.iter().any(|part| is_null(&part));
        let mut others = parts.iter().filter(|part| !is_null(part));
        let (type_name, inner) = declared(root, others.next()?)?;
        return others
            .next()
            .is_none()
            .then_some((type_name, nullable || inner));
    }
    let types = types(schema);
    let is_nullable = types.contains(&InstanceType::Null);
    let mut others = types.iter().filter(|ty| **ty != InstanceType::Null);
    let (Some(ty), None) = (others.next(), others.next()) else {
        return None;
    };
    let format = schema.format.as_deref().unwrap_or_default();
    let type_name = match (ty, format) {
        (InstanceType::Boolean, _) => "boolean",
        (InstanceType::Integer, "int8" | "int16" | "int32" | "uint8" | "uint16") => "integer",
        (InstanceType::Integer, _) => "bigint",
        (InstanceType::Number, _) => "double",
        (InstanceType::String, "date-time" | "partial-date-time") => "timestamp",
        (InstanceType::String, "date") => "date",
        (InstanceType::String, _) => "varchar",
        _ => return None,
    };
    Some((type_name, is_nullable))
}

fn types(schema: &SchemaObject) -> Vec<InstanceType> {
    match &schema.instance_type {
        Some(SingleOrVec::Single(ty)) => vec![**ty],
        Some(SingleOrVec::Vec(types)) => types.clone(),
        None => Vec::new(),
    }
}
