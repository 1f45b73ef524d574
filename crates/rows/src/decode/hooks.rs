//! The names of newtype structs by which types of this crate make requests for which serde has no
//! method. Other deserializers ignore them.

/// [`Value`](crate::Value): the cell with its kind.
pub(crate) const VALUE: &str = "$rowfeed::Value";
/// [`Row`](crate::Row): the columns in declared order.
pub(crate) const ROW: &str = "$rowfeed::Row";
