//! The model of a declared type, and the type names of each service.

mod kind;
pub(crate) mod lightdash;
pub(crate) mod trino;
pub(crate) mod yql;

pub use kind::ColumnKind;

/// The declared type of a column: the values that it holds, and how the service writes them in
/// JSON.
///
/// The type names of Trino (Dune), YQL (Yandex Query) and Lightdash parse into it. A service with
/// other type names constructs one for each of its columns. Decoding, Arrow schemas and
/// [`column_errors`](crate::column_errors) all use this model.
///
/// Match on [`logical`](Self::logical). [`kind`](Self::kind) is a short summary. How the service
/// encodes a value (hexadecimal or base64, a list or an object) is not public.
///
/// ```
/// use rowfeed_rows::{ColumnType, Columns};
///
/// let levels = ColumnType::list(ColumnType::decimal());
/// let columns = [("day", "day", ColumnType::date()), ("levels", "list of metres", levels)];
/// let columns = Columns::objects(columns);
/// assert_eq!(columns.get("levels").and_then(|column| column.type_name()), Some("list of metres"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    pub(crate) logical: LogicalType,
    nullable: Option<bool>,
    /// The number of Yandex Query's `Optional`s around the value.
    pub(crate) optionals: u8,
    pub(crate) encoding: Encoding,
}

/// The meaning of a type, independent of the service's name for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogicalType {
    /// The service declares no type: the JSON of a value decides.
    Undeclared,
    /// The service declares a type that rowfeed does not know.
    Unrecognized,
    /// NULL only.
    Null,
    /// `true`, `false`.
    Boolean,
    /// Whole numbers.
    Integer {
        /// The width in bits, 8 to 256; `None` if the service does not state it.
        bits: Option<u16>,
        /// Whether the type allows negative numbers.
        signed: bool,
    },
    /// Exact numbers with a fraction.
    Decimal {
        /// The number of decimal digits of the type; `None` if the service does not state it.
        precision: Option<u8>,
        /// The number of digits after the decimal point.
        scale: i8,
    },
    /// Binary floating-point numbers, NaN and the infinities included.
    Float {
        /// The width in bits: 32 or 64.
        bits: u8,
    },
    /// Numbers of a type that the service does not state.
    Number,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Dates without a time.
    Date,
    /// Times of day.
    Time {
        /// Digits of the fraction of a second; `None` if the service does not state it.
        precision: Option<u8>,
        /// Whether each value has its own offset.
        has_zone: bool,
    },
    /// Dates with a time.
    Timestamp {
        /// Digits of the fraction of a second; `None` if the service does not state it.
        precision: Option<u8>,
        /// The time zone of the values.
        zone: TimeZone,
    },
    /// Spans of time.
    Interval(IntervalUnit),
    /// JSON documents, as JSON or as text.
    Json,
    /// Lists and sets of values of one type.
    List(Box<ColumnType>),
    /// Values of several types, distinguished by position.
    Tuple(Vec<ColumnType>),
    /// Values of several types, distinguished by name.
    Struct(Vec<(Box<str>, ColumnType)>),
    /// Keys with values.
    Map(MapType),
    /// One of several alternatives, each with its name, or with its index if it has no name.
    Variant(Vec<(Box<str>, ColumnType)>),
}

/// The time zone of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeZone {
    /// No zone: a date and a time of day.
    Absent,
    /// Points in time. A value without an offset is in UTC.
    Utc,
    /// The type covers both: a value may have an offset. Lightdash's `timestamp` is such a type.
    Unstated,
    /// Each value has the name of its zone.
    Named,
}

/// The unit of a type for spans of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntervalUnit {
    /// The service does not state it.
    Unstated,
    /// Months and years.
    Months,
    /// Days to milliseconds.
    Milliseconds,
    /// Days to microseconds.
    Microseconds,
}

/// The types of the keys and of the values of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapType {
    /// A tuple of both, since some services write a map as a list of pairs.
    pair: Box<ColumnType>,
}

/// The form in which a service writes values of a type, if there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// Bytes as `0x…` or `\x…`.
    Hex,
    /// Bytes as base64.
    Base64,
    /// A map as a list of pairs, not as an object.
    Pairs,
    /// A variant as `[index, value]`, not as `[name, value]`. Also a tuple whose members are named
    /// by their index.
    Indexed,
}

pub(crate) static UNRECOGNIZED: ColumnType = ColumnType::new(LogicalType::Unrecognized);
pub(crate) static UNDECLARED: ColumnType = ColumnType::new(LogicalType::Undeclared);
pub(crate) static TEXT: ColumnType = ColumnType::new(LogicalType::Text);

impl MapType {
    fn new(key: ColumnType, value: ColumnType) -> Self {
        Self {
            pair: Box::new(ColumnType::new(LogicalType::Tuple(vec![key, value]))),
        }
    }

    /// Returns the type of the keys.
    #[must_use]
    pub fn key(&self) -> &ColumnType {
        self.member(0)
    }

    /// Returns the type of the values.
    #[must_use]
    pub fn value(&self) -> &ColumnType {
        self.member(1)
    }

    /// Returns the type of an entry: a tuple of a key and its value.
    #[must_use]
    pub fn entry(&self) -> &ColumnType {
        &self.pair
    }

    fn member(&self, index: usize) -> &ColumnType {
        match &self.pair.logical {
            LogicalType::Tuple(pair) => pair.get(index).unwrap_or(&UNRECOGNIZED),
            _ => &UNRECOGNIZED,
        }
    }
}

impl From<LogicalType> for ColumnType {
    fn from(logical: LogicalType) -> Self {
        Self::new(logical)
    }
}

impl ColumnType {
    pub(crate) const fn new(logical: LogicalType) -> Self {
        Self {
            logical,
            nullable: None,
            optionals: 0,
            encoding: Encoding::Plain,
        }
    }

    pub(crate) const fn encoded(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Returns the type of a column without a declared type: the JSON of a value decides.
    #[must_use]
    pub const fn undeclared() -> Self {
        Self::new(LogicalType::Undeclared)
    }

    /// Returns a declared type that rowfeed does not know.
    #[must_use]
    pub const fn unrecognized() -> Self {
        Self::new(LogicalType::Unrecognized)
    }

    /// Returns the type with the only value NULL.
    #[must_use]
    pub const fn null() -> Self {
        Self::new(LogicalType::Null)
    }

    /// Returns the type of `true` and `false`.
    #[must_use]
    pub const fn boolean() -> Self {
        Self::new(LogicalType::Boolean)
    }

    /// Returns the type of whole numbers of any width, as JSON numbers or as text.
    #[must_use]
    pub const fn integer() -> Self {
        Self::new(LogicalType::Integer {
            bits: None,
            signed: true,
        })
    }

    /// Returns the type of whole numbers of `bits` bits, as JSON numbers or as text.
    #[must_use]
    pub const fn signed(bits: u16) -> Self {
        Self::new(LogicalType::Integer {
            bits: Some(bits),
            signed: true,
        })
    }

    /// Returns the type of whole numbers from 0 of `bits` bits, as JSON numbers or as text.
    #[must_use]
    pub const fn unsigned(bits: u16) -> Self {
        Self::new(LogicalType::Integer {
            bits: Some(bits),
            signed: false,
        })
    }

    /// Returns the type of exact numbers with a fraction and any number of digits, as JSON numbers
    /// or as text.
    #[must_use]
    pub const fn decimal() -> Self {
        Self::new(LogicalType::Decimal {
            precision: None,
            scale: 0,
        })
    }

    /// Returns the type of exact numbers of `precision` digits, `scale` of them after the decimal
    /// point, as JSON numbers or as text.
    #[must_use]
    pub const fn decimal_of(precision: u8, scale: i8) -> Self {
        Self::new(LogicalType::Decimal {
            precision: Some(precision),
            scale,
        })
    }

    /// Returns the type of floating-point numbers of 64 bits; `"NaN"` and `"Infinity"` too.
    #[must_use]
    pub const fn float64() -> Self {
        Self::new(LogicalType::Float { bits: 64 })
    }

    /// Returns the type of floating-point numbers of 32 bits; `"NaN"` and `"Infinity"` too.
    #[must_use]
    pub const fn float32() -> Self {
        Self::new(LogicalType::Float { bits: 32 })
    }

    /// Returns the type of numbers that the service does not specify further.
    #[must_use]
    pub const fn number() -> Self {
        Self::new(LogicalType::Number)
    }

    /// Returns the type of text.
    #[must_use]
    pub const fn text() -> Self {
        Self::new(LogicalType::Text)
    }

    /// Returns the type of bytes as text: `0x…` or `\x…`, two digits each.
    #[must_use]
    pub const fn hex_bytes() -> Self {
        Self::new(LogicalType::Bytes).encoded(Encoding::Hex)
    }

    /// Returns the type of bytes as text in base64 (RFC 4648, padded).
    #[must_use]
    pub const fn base64_bytes() -> Self {
        Self::new(LogicalType::Bytes).encoded(Encoding::Base64)
    }

    /// Returns the type of dates: `2024-09-28`.
    #[must_use]
    pub const fn date() -> Self {
        Self::new(LogicalType::Date)
    }

    /// Returns the type of times of day: `13:21:10.5`.
    #[must_use]
    pub const fn time() -> Self {
        Self::new(LogicalType::Time {
            precision: None,
            has_zone: false,
        })
    }

    /// Returns the type of dates with a time and no zone, separated by a blank or a `T`.
    #[must_use]
    pub const fn timestamp() -> Self {
        Self::timestamp_of(None, TimeZone::Absent)
    }

    /// Returns the type of points in time. Without an offset they are in UTC.
    #[must_use]
    pub const fn instant() -> Self {
        Self::timestamp_of(None, TimeZone::Utc)
    }

    /// Returns the type of dates with a time, with `precision` digits of the fraction of a second.
    #[must_use]
    pub const fn timestamp_of(precision: Option<u8>, zone: TimeZone) -> Self {
        Self::new(LogicalType::Timestamp { precision, zone })
    }

    /// Returns the type of spans of time, as the service writes them.
    #[must_use]
    pub const fn interval() -> Self {
        Self::new(LogicalType::Interval(IntervalUnit::Unstated))
    }

    /// Returns the type of JSON, unquoted or as text.
    #[must_use]
    pub const fn json() -> Self {
        Self::new(LogicalType::Json)
    }

    /// Returns the type of lists of values of one type.
    #[must_use]
    pub fn list(element: Self) -> Self {
        Self::new(LogicalType::List(Box::new(element)))
    }

    /// Returns the type of lists of values, each with its own type.
    #[must_use]
    pub fn tuple(members: impl IntoIterator<Item = Self>) -> Self {
        Self::new(LogicalType::Tuple(members.into_iter().collect()))
    }

    /// Returns the type of objects with these members.
    #[must_use]
    pub fn structure<N: Into<Box<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::new(LogicalType::Struct(named(members)))
    }

    /// Returns the type of objects with keys of type `key`, which are never NULL, and values of type
    /// `value`.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        Self::new(LogicalType::Map(MapType::new(key.nullable(false), value)))
    }

    /// Returns the same type, with or without NULL. NULL is JSON's `null`.
    #[must_use]
    pub const fn nullable(mut self, nullable: bool) -> Self {
        self.nullable = Some(nullable);
        self
    }

    /// Returns the type of lists of pairs.
    pub(crate) fn dict(key: Self, value: Self) -> Self {
        Self::new(LogicalType::Map(MapType::new(key, value))).encoded(Encoding::Pairs)
    }

    /// Returns the type of `[name, value]`.
    pub(crate) fn variant<N: Into<Box<str>>>(
        alternatives: impl IntoIterator<Item = (N, Self)>,
    ) -> Self {
        Self::new(LogicalType::Variant(named(alternatives)))
    }

    /// Returns the type of `[index, value]`.
    pub(crate) fn choice(alternatives: impl IntoIterator<Item = Self>) -> Self {
        let alternatives = alternatives.into_iter().enumerate();
        Self::variant(alternatives.map(|(index, declared)| (index.to_string(), declared)))
            .encoded(Encoding::Indexed)
    }

    /// Returns the same type within one more `Optional`; `None` if there are 255 already.
    pub(crate) fn optional(mut self) -> Option<Self> {
        self.optionals = self.optionals.checked_add(1)?;
        self.nullable = Some(true);
        Some(self)
    }

    /// Returns the meaning of the type, independent of the service's name for it.
    #[must_use]
    pub fn logical(&self) -> &LogicalType {
        &self.logical
    }

    /// Returns whether the type allows NULL; `None` if the service does not say.
    #[must_use]
    pub fn is_nullable(&self) -> Option<bool> {
        self.nullable
    }

    /// Returns the number of nested optional levels: 2 for Yandex Query's
    /// `Optional<Optional<Int32>>`, which a Rust `Option<Option<i32>>` distinguishes. It is 0 for
    /// services that do not nest optional values, whether the values can be NULL or not.
    #[must_use]
    pub fn optional_depth(&self) -> usize {
        usize::from(self.optionals)
    }

    /// Returns the name of the member or alternative at this position. A member of a tuple is
    /// called `field0`, `field1`, …, as in Trino, and `0`, `1`, … for Yandex Query.
    #[must_use]
    pub fn member_name(&self, index: usize) -> Option<String> {
        match &self.logical {
            LogicalType::Struct(members) | LogicalType::Variant(members) => {
                members.get(index).map(|(name, _)| name.to_string())
            }
            LogicalType::Tuple(members) => {
                members.get(index)?;
                Some(match self.encoding {
                    Encoding::Indexed => index.to_string(),
                    _ => format!("field{index}"),
                })
            }
            _ => None,
        }
    }

    /// Returns the type of nested values without a declared type.
    pub(crate) fn inner(&self) -> &'static Self {
        match self.logical {
            LogicalType::Undeclared => &UNDECLARED,
            _ => &UNRECOGNIZED,
        }
    }

    /// Returns whether values are encoded bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        matches!(self.logical, LogicalType::Bytes)
    }
}

fn named<N: Into<Box<str>>>(
    members: impl IntoIterator<Item = (N, ColumnType)>,
) -> Vec<(Box<str>, ColumnType)> {
    let members = members.into_iter();
    members
        .map(|(name, declared)| (name.into(), declared))
        .collect()
}
