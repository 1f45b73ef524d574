//! The names by which types of this crate ask a deserializer for what serde has no method for. Each is
//! the name of a newtype struct; other deserializers pay no attention to it.

/// [`Value`](crate::Value): the cell with what it is.
pub(crate) const VALUE: &str = "$rowfeed::Value";
/// [`Row`](crate::Row): the columns in the order in which the result declares them.
pub(crate) const ROW: &str = "$rowfeed::Row";
