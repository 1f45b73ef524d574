#![doc = include_str!("../README.md")]
//!
//! [`record_batches()`](RecordBatchesExt::record_batches) of an operation, a
//! [`CompletedRun`](rowfeed::CompletedRun) or [`Pages`](rowfeed::Pages) returns [`RecordBatches`].
//! [`record_batch()`](PageExt::record_batch) of a page returns a single batch.
//!
//! This crate exports [`arrow_array`] and [`arrow_schema`] in the version that it uses: 59, that of
//! DataFusion 55. Other crates of Arrow must have the same version (`cargo add parquet@59`).
//!
//! ## Types
//!
//! The schema depends only on the declared types, never on the values, so every page of a result
//! has the same schema. [`ColumnsExt::arrow_schema`] returns it without reading a row. The metadata
//! of each field has the declared type, under [`DECLARED_TYPE`]. Every field is nullable, except
//! columns of Yandex Query that are not Optional, and keys of maps.
//!
//! | declared | Arrow |
//! |---|---|
//! | **Dune** `boolean`; `tinyint` to `bigint`; `real`, `double` | `Boolean`; `Int8` to `Int64`; `Float32`, `Float64` |
//! | `decimal(p, s)` | `Decimal128`; `Decimal256` from 39 digits on |
//! | `int256`, `uint256` | `Utf8`, with every digit: 2^256-1 has 78, and `Decimal256` holds 76. `column_type(name, Decimal256(76, 0))` is for columns that are to be computed with |
//! | `varchar`, `char`, `uuid`, `ipaddress`; `json` | `Utf8`; `Utf8` of the extension type `arrow.json` |
//! | `varbinary` | `Binary` |
//! | `date`; `time`; `time with time zone` | `Date32`; `Time64(µs)`; `Utf8` |
//! | `timestamp`; `timestamp with time zone` | `Timestamp(µs)`; `Timestamp(µs, UTC)`; of nanoseconds where it has more than six digits |
//! | `interval day to second`; `year to month` | `Duration(ms)`; `Interval(YearMonth)` |
//! | `array`; `map`; `row` | `List`; `Map`; `Struct`, with `field0`, `field1`, … where there are no names |
//! | **Lightdash** `string`; `boolean`; `date`; `timestamp` | `Utf8`; `Boolean`; `Date32`; `Timestamp(µs, UTC)` |
//! | `number` | `Float64`; a number that it would round is an error |
//! | **Yandex Query** `Bool`; `Int8` to `Uint64`; `Float`, `Double` | `Boolean`; `Int8` to `UInt64`; `Float32`, `Float64` |
//! | `Decimal(p,s)`; `DyNumber` | `Decimal128`; `Utf8`, with every digit |
//! | `String`; `Utf8`, `Yson`, `Uuid`; `Json`, `JsonDocument` | `Binary`; `Utf8`; `Utf8` of `arrow.json` |
//! | `Date`; `Datetime`; `Timestamp`; `Interval`; all of them wide, too | `Date32`; `Timestamp(s, UTC)`; `Timestamp(µs, UTC)`; `Duration(µs)` |
//! | `TzDate`, `TzDatetime`, `TzTimestamp` | `Utf8`, `2019-09-16T14:32:40[Europe/Moscow]`: no type has room for both |
//! | `Optional` | may be NULL; of an Optional in an Optional, the NULL of each is NULL |
//! | `List`, `Set`; `Tuple`, `Struct` | `List`; `Struct`, with `0`, `1`, … in a tuple |
//! | `Dict` | `Map`; where a key may be NULL, a `List` of `Struct(key, value)` |
//! | `Enum` | `Utf8` |
//! | `Variant` | `Struct` of the alternatives, of which one is set. One without a value is `Boolean`; one that may be NULL itself is a `Struct(value)` |
//! | `Void`, `Null`; `pgint4` and its kind | `Null`; as above, `pgnumeric` as `Utf8`, arrays as text |
//! | **[Another](rowfeed::source)** `Boolean`; `Integer`; `Float`, `Number`; `Decimal` | `Boolean`; `Int64`; `Float64`; `Utf8`, with every digit |
//! | `Text`; `Json`; `HexBytes`, `Base64Bytes` | `Utf8`; `Utf8` of `arrow.json`; `Binary` |
//! | `Date`; `Time`; `Timestamp`; `Instant`; `Interval` | `Date32`; `Time64(µs)`; `Timestamp(µs)`; `Timestamp(µs, UTC)`; `Utf8` |
//! | `List`; `Map`; `Struct`; `Tuple` | `List`; `Map`; `Struct`, with `field0`, `field1`, … in a tuple |
//! | anything else, at any service | `Utf8`: the text that a `String` would be, everything else as JSON |
//!
//! Numbers and times are read in every form that a service sends. A value that does not fit is an
//! error: a time that is finer than its column, a date with a time of day, more digits than a
//! decimal has. To avoid the error, set another type with
//! [`column_type`](RecordBatches::column_type), or with [`with_schema`](RecordBatches::with_schema)
//! if a result declares no types. A value that Yandex Query could not send is an error if its
//! column is not Optional, as it is for structs.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod batches;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod compatible;
mod decimal;
mod ext;
mod fixed;
#[cfg(feature = "dune")]
mod insert;
mod layout;
mod nested;
mod page;
mod schema;
mod structs;
mod text;
mod time;
mod values;

#[cfg(test)]
extern crate self as rowfeed_arrow;
#[cfg(test)]
#[path = "../properties/batches.rs"]
mod properties;
#[cfg(test)]
mod tests;

pub use arrow_array;
pub use arrow_schema;

pub use batches::RecordBatches;
#[cfg(feature = "dune")]
pub use insert::{BatchRow, BatchRows, InsertBatchesExt, UnsupportedField};

pub use ext::{ColumnsExt, PageExt, RecordBatchesExt, to_arrow_error};
pub use schema::DECLARED_TYPE;
