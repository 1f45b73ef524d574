//! One value of a row, as its `Serialize` writes it.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{Error as _, Impossible},
};

/// A value before it is compared with its column. Integers and text keep every digit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    /// Digits with an optional sign.
    Integer(String),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A list, a map or a struct, as JSON.
    Nested(String),
}

impl Cell {
    /// # Errors
    ///
    /// The `Serialize` implementation fails, or a nested value has no form in JSON.
    pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, String> {
        match value.serialize(Scalar) {
            Ok(cell) => Ok(cell),
            Err(Flaw::Nested) => {
                let json = serde_json::to_string(value);
                json.map(Self::Nested).map_err(|error| error.to_string())
            }
            Err(Flaw::Said(said)) => Err(said),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a floating-point number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Nested(json) if json.starts_with('[') => "a list",
            Self::Nested(_) => "a map or a struct",
        }
    }
}

/// Why a value is no scalar.
#[derive(Debug)]
pub(super) enum Flaw {
    Nested,
    Said(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nested => f.write_str("a nested value"),
            Self::Said(said) => f.write_str(said),
        }
    }
}

impl std::error::Error for Flaw {}

impl serde::ser::Error for Flaw {
    fn custom<T: fmt::Display>(said: T) -> Self {
        Self::Said(said.to_string())
    }
}

/// Makes a cell of a scalar; says so of anything else.
struct Scalar;

type Compound = Impossible<Cell, Flaw>;

macro_rules! integers {
    ($($method:ident $ty:ty),*) => {$(
        fn $method(self, value: $ty) -> Result<Cell, Flaw> {
            Ok(Cell::Integer(value.to_string()))
        }
    )*};
}

impl Serializer for Scalar {
    type Ok = Cell;
    type Error = Flaw;
    type SerializeSeq = Compound;
    type SerializeTuple = Compound;
    type SerializeTupleStruct = Compound;
    type SerializeTupleVariant = Compound;
    type SerializeMap = Compound;
    type SerializeStruct = Compound;
    type SerializeStructVariant = Compound;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_i128 i128, serialize_u8 u8, serialize_u16 u16, serialize_u32 u32,
        serialize_u64 u64, serialize_u128 u128
    );

    fn serialize_bool(self, value: bool) -> Result<Cell, Flaw> {
        Ok(Cell::Bool(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Cell, Flaw> {
        // The shortest digits of the `f32`, not those of the `f64` next to it.
        let shortest = value.to_string().parse();
        Ok(Cell::Float(shortest.unwrap_or_else(|_| value.into())))
    }

    fn serialize_f64(self, value: f64) -> Result<Cell, Flaw> {
        Ok(Cell::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Cell, Flaw> {
        Ok(Cell::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Cell, Flaw> {
        Ok(Cell::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Cell, Flaw> {
        Ok(Cell::Bytes(value.to_owned()))
    }

    fn serialize_none(self) -> Result<Cell, Flaw> {
        Ok(Cell::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Cell, Flaw> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Cell, Flaw> {
        Ok(Cell::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Cell, Flaw> {
        Ok(Cell::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Cell, Flaw> {
        Ok(Cell::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Cell, Flaw> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Cell, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Compound, Flaw> {
        Err(Flaw::Nested)
    }

    /// `rust_decimal` and others write text this way.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Cell, Flaw> {
        Ok(Cell::Text(value.to_string()))
    }
}

/// What a row may be.
const NO_ROW: &str = "a row must be a struct with named fields, or a map from names to values";

/// Calls `field` with the name and the cell of each field of a row.
pub(super) fn fields<T: Serialize + ?Sized>(
    row: &T,
    field: &mut dyn FnMut(&str, Cell) -> Result<(), String>,
) -> Result<(), String> {
    row.serialize(Fields { field, key: None })
        .map_err(|flaw| flaw.to_string())
}

/// Takes a row apart.
struct Fields<'a> {
    field: &'a mut dyn FnMut(&str, Cell) -> Result<(), String>,
    /// Of the map entry whose value is next.
    key: Option<String>,
}

impl Fields<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Flaw> {
        let cell = Cell::of(value).map_err(|said| format!("column `{name}`: {said}"));
        cell.and_then(|cell| (self.field)(name, cell))
            .map_err(Flaw::Said)
    }
}

impl serde::ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Flaw;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Flaw> {
        self.add(key, value)
    }

    fn end(self) -> Result<(), Flaw> {
        Ok(())
    }
}

impl serde::ser::SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = Flaw;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Flaw> {
        match key.serialize(Scalar) {
            Ok(Cell::Text(key)) => self.key = Some(key),
            _ => return Err(Flaw::custom(NO_ROW)),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Flaw> {
        let key = self.key.take().ok_or_else(|| Flaw::custom(NO_ROW))?;
        self.add(&key, value)
    }

    fn end(self) -> Result<(), Flaw> {
        Ok(())
    }
}

type NoRow = Impossible<(), Flaw>;

macro_rules! refused {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self $(, _: $argument)*) -> Result<$ok, Flaw> {
            Err(Flaw::custom(NO_ROW))
        }
    )*};
}

impl<'a> Serializer for Fields<'a> {
    type Ok = ();
    type Error = Flaw;
    type SerializeSeq = NoRow;
    type SerializeTuple = NoRow;
    type SerializeTupleStruct = NoRow;
    type SerializeTupleVariant = NoRow;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = NoRow;

    refused! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> NoRow;
        serialize_tuple(usize) -> NoRow;
        serialize_tuple_struct(&'static str, usize) -> NoRow;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> NoRow;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> NoRow;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Flaw> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Flaw> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Flaw> {
        Err(Flaw::custom(NO_ROW))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Flaw> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Flaw> {
        Ok(self)
    }
}
