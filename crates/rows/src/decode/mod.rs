//! One serde `Deserializer` for each shape of a row, and one for a cell.
//!
//! All shapes present the same values in the same form, so that one struct decodes from every
//! service. The Rust type and the declared type decide together. The crate documentation has the
//! table.

pub(crate) mod access;
pub(crate) mod any;
pub(crate) mod bytes;
pub(crate) mod cell;
pub(crate) mod column_order;
pub(crate) mod enums;
pub(crate) mod hooks;
pub(crate) mod layout_cache;
pub(crate) mod lightdash_cell;
pub(crate) mod list_row;
pub(crate) mod nested;
pub(crate) mod number;
pub(crate) mod object_row;
pub(crate) mod scalar;
pub(crate) mod single;
pub(crate) mod tag;
pub(crate) mod text;
