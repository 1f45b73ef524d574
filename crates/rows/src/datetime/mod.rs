//! Dates and times in the text forms that the services send.
//!
//! For readers that compute with them, such as those that fill columns. Dates are in the proleptic
//! Gregorian calendar. A point in time without an offset is in UTC.

mod epoch;
pub(crate) mod fixed;
pub(crate) mod normal;
mod parts;

pub use epoch::{NOT_A_DATE, Read, days, number, seconds_of_day, seconds_of_offset};
pub use parts::{Parts, Zone, unix_nanos};
