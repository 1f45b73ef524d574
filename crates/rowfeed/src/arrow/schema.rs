//! Declared types as Arrow types.

use std::{collections::HashMap, sync::Arc, vec};

use arrow_schema::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, Fields,
    IntervalUnit, Schema, SchemaRef, TimeUnit,
};

use crate::{
    Column, Columns,
    decode::{Kind, Leaves, Shape, is_pg, trino_type, yql_type},
};

/// The key of a field's metadata under which its declared type stands.
pub const DECLARED_TYPE: &str = "rowfeed.type";

/// The key and the value that mark text as JSON, as Arrow's own extension type has them.
const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// The name of the one member that a NULL alternative is wrapped in.
const WRAPPED: &str = "value";

pub(super) fn of(columns: &Columns) -> SchemaRef {
    let fields = columns.iter().map(|column| field(column, columns.shape()));
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// A field with another type, and what of its metadata holds for that too.
pub(super) fn with_type(field: &Field, data_type: DataType) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.remove(EXTENSION);
    let field = field.clone().with_data_type(data_type);
    field.with_metadata(metadata)
}

fn field(column: &Column, shape: Shape) -> Field {
    let mut leaves = Leaves::default();
    let declared = column.type_name().unwrap_or_default();
    match shape {
        Shape::Object => drop(trino_type(declared, &mut leaves)),
        Shape::List => drop(yql_type(declared, &mut leaves)),
        Shape::Cells(_) => {}
    }
    let mut types = Types {
        shape,
        leaves: leaves.into_iter(),
    };
    let mut field = types.field(column.name(), &column.kind);
    if column.is_nullable().is_none() {
        field.set_nullable(true);
    }
    if let Some(declared) = column.type_name() {
        let metadata = field.metadata_mut();
        metadata.insert(DECLARED_TYPE.to_owned(), declared.to_owned());
    }
    field
}

/// Makes Arrow types of a kind, and of the leaves of its declared type, which are used up in order.
struct Types<'a> {
    shape: Shape,
    leaves: vec::IntoIter<&'a str>,
}

impl Types<'_> {
    fn field(&mut self, name: &str, kind: &Kind) -> Field {
        let (mut inner, mut is_optional) = (kind, false);
        while let Kind::Optional(value) = inner {
            (inner, is_optional) = (value, true);
        }
        let next = self.leaves.as_slice().first().copied();
        let is_nullable = match inner {
            Kind::Null | Kind::Other | Kind::Unknown => true,
            _ => self.shape != Shape::List || is_optional,
        };
        let is_pg = !is_container(inner) && next.is_some_and(is_pg);
        let data_type = self.data_type(inner);
        let field = Field::new(name, data_type, is_nullable || is_pg);
        match inner {
            Kind::Json => field.with_metadata(HashMap::from([(EXTENSION.into(), JSON.into())])),
            _ => field,
        }
    }

    fn member(&mut self, name: &str, kind: &Kind) -> FieldRef {
        Arc::new(self.field(name, kind))
    }

    fn data_type(&mut self, kind: &Kind) -> DataType {
        match kind {
            Kind::Unknown | Kind::Other => DataType::Utf8,
            Kind::Null => DataType::Null,
            Kind::Optional(inner) => self.data_type(inner),
            Kind::List(element) => DataType::List(self.member("item", element)),
            Kind::Struct(members) => {
                let members = members.iter();
                DataType::Struct(
                    members
                        .map(|(name, kind)| self.member(name, kind))
                        .collect(),
                )
            }
            Kind::Tuple(members) => {
                let prefix = match self.shape {
                    Shape::List => "",
                    Shape::Object | Shape::Cells(_) => "field",
                };
                let members = members.iter().enumerate();
                let members = members.map(|(at, kind)| self.member(&format!("{prefix}{at}"), kind));
                DataType::Struct(members.collect())
            }
            Kind::Map(entry) => {
                let key = self.field("key", &entry.0).with_nullable(false);
                let value = self.field("value", &entry.1);
                map(key, value)
            }
            Kind::Dict(pair) => {
                let Kind::Tuple(pair) = &**pair else {
                    return DataType::Utf8;
                };
                let mut pair = pair.iter();
                let key = self.field("key", pair.next().unwrap_or(&Kind::Other));
                let value = self.field("value", pair.next().unwrap_or(&Kind::Other));
                match key.is_nullable() {
                    // The keys of a map are never NULL.
                    true => {
                        let pair = DataType::Struct(vec![key, value].into());
                        DataType::List(Arc::new(Field::new("item", pair, false)))
                    }
                    false => map(key, value),
                }
            }
            Kind::Variant(alternatives)
                if alternatives.iter().all(|(_, kind)| *kind == Kind::Null) =>
            {
                DataType::Utf8
            }
            Kind::Variant(alternatives) => {
                let alternatives = alternatives.iter();
                let members = alternatives.map(|(name, kind)| self.alternative(name, kind));
                DataType::Struct(members.collect())
            }
            Kind::Choice(alternatives) => {
                let alternatives = alternatives.iter().enumerate();
                let members =
                    alternatives.map(|(at, kind)| self.alternative(&at.to_string(), kind));
                DataType::Struct(members.collect())
            }
            Kind::Boolean
            | Kind::Integer
            | Kind::Decimal
            | Kind::Float
            | Kind::Number
            | Kind::Text
            | Kind::Hex
            | Kind::Base64
            | Kind::Date
            | Kind::Time
            | Kind::Timestamp
            | Kind::Instant
            | Kind::Interval
            | Kind::Json => {
                let leaf = self.leaves.next().unwrap_or_default();
                self.leaf(kind, &Leaf::of(leaf))
            }
        }
    }

    /// An alternative of a variant: NULL where it is another one. So a value that says nothing is
    /// true here, and one that may be NULL itself has a struct around it.
    fn alternative(&mut self, name: &str, kind: &Kind) -> FieldRef {
        let field = self.field(name, kind);
        let data_type = match kind {
            Kind::Null => DataType::Boolean,
            _ if field.is_nullable() => {
                let inner = field.with_name(WRAPPED);
                DataType::Struct(Fields::from(vec![inner]))
            }
            _ => return Arc::new(field.with_nullable(true)),
        };
        Arc::new(Field::new(name, data_type, true))
    }

    fn leaf(&self, kind: &Kind, leaf: &Leaf<'_>) -> DataType {
        match kind {
            Kind::Boolean => DataType::Boolean,
            Kind::Integer => integer(leaf.word),
            Kind::Decimal => decimal(self.shape, leaf),
            Kind::Float => match leaf.word {
                "real" | "Float" | "pgfloat4" => DataType::Float32,
                _ => DataType::Float64,
            },
            Kind::Number => DataType::Float64,
            Kind::Hex | Kind::Base64 => DataType::Binary,
            Kind::Date => DataType::Date32,
            Kind::Time if leaf.has_zone => DataType::Utf8,
            Kind::Time => DataType::Time64(leaf.unit()),
            Kind::Timestamp | Kind::Instant => self.timestamp(kind, leaf),
            Kind::Interval => match self.shape {
                Shape::List => DataType::Duration(TimeUnit::Microsecond),
                _ if leaf.text.to_ascii_lowercase().contains("year") => {
                    DataType::Interval(IntervalUnit::YearMonth)
                }
                _ => DataType::Duration(TimeUnit::Millisecond),
            },
            _ => DataType::Utf8,
        }
    }

    fn timestamp(&self, kind: &Kind, leaf: &Leaf<'_>) -> DataType {
        let utc = || Some("UTC".into());
        match (self.shape, kind) {
            (Shape::Object, Kind::Instant) => DataType::Timestamp(leaf.unit(), utc()),
            (Shape::Object, _) => DataType::Timestamp(leaf.unit(), None),
            // All that Lightdash says is in UTC.
            (Shape::Cells(_), _) => DataType::Timestamp(TimeUnit::Microsecond, utc()),
            (Shape::List, Kind::Instant) => match leaf.word {
                "Datetime" | "Datetime64" => DataType::Timestamp(TimeUnit::Second, utc()),
                _ => DataType::Timestamp(TimeUnit::Microsecond, utc()),
            },
            (Shape::List, _) if is_pg(leaf.word) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            // A local time with the name of its zone; no type of Arrow has room for both.
            (Shape::List, _) => DataType::Utf8,
        }
    }
}

fn is_container(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::List(_)
            | Kind::Tuple(_)
            | Kind::Struct(_)
            | Kind::Map(_)
            | Kind::Dict(_)
            | Kind::Variant(_)
            | Kind::Choice(_)
    )
}

/// The name of a type without its arguments, and they.
struct Leaf<'a> {
    text: &'a str,
    word: &'a str,
    arguments: [Option<u8>; 2],
    has_zone: bool,
}

impl<'a> Leaf<'a> {
    fn of(text: &'a str) -> Self {
        let word = text
            .split(|char: char| !(char.is_alphanumeric() || char == '_'))
            .next();
        let inside = text
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        let mut numbers = inside.map_or("", |(inside, _)| inside).split(',');
        let mut number = || numbers.next().and_then(|number| number.trim().parse().ok());
        Self {
            text,
            word: word.unwrap_or_default(),
            arguments: [number(), number()],
            has_zone: text.to_ascii_lowercase().ends_with("with time zone"),
        }
    }

    /// The unit of a time with so many digits behind the point; three where it is not said.
    fn unit(&self) -> TimeUnit {
        match self.arguments[0] {
            Some(7..) => TimeUnit::Nanosecond,
            _ => TimeUnit::Microsecond,
        }
    }
}

fn integer(word: &str) -> DataType {
    match word.to_ascii_lowercase().as_str() {
        "tinyint" | "int8" => DataType::Int8,
        "smallint" | "int16" | "pgint2" => DataType::Int16,
        "integer" | "int" | "int32" | "pgint4" => DataType::Int32,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" | "pgoid" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "int256" | "uint256" => DataType::Decimal256(DECIMAL256_MAX_PRECISION, 0),
        _ => DataType::Int64,
    }
}

fn decimal(shape: Shape, leaf: &Leaf<'_>) -> DataType {
    let (precision, scale) = match (shape, leaf.arguments) {
        (_, [Some(precision), scale]) => (precision, scale.unwrap_or(0)),
        (Shape::Object, _) => (DECIMAL128_MAX_PRECISION, 0),
        // Decimals that do not say how wide they are.
        _ => return DataType::Utf8,
    };
    match i8::try_from(scale) {
        Ok(scale) if (1..=DECIMAL128_MAX_PRECISION).contains(&precision) => {
            DataType::Decimal128(precision, scale)
        }
        Ok(scale) if (1..=DECIMAL256_MAX_PRECISION).contains(&precision) => {
            DataType::Decimal256(precision, scale)
        }
        _ => DataType::Utf8,
    }
}

fn map(key: Field, value: Field) -> DataType {
    let entries = DataType::Struct(vec![key, value].into());
    DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
}
