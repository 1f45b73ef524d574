//! The sum over all values that every contender computes. It shows that a contender read every
//! value, and read the right ones.

use anyhow::{Result, bail};
use arrow_array::{
    Array, RecordBatch,
    cast::AsArray as _,
    types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// The sum of integers wraps.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) integers: u64,
    pub(crate) floats: f64,
    /// The bytes of texts. Of a date, only the first ten, because some services append a time.
    pub(crate) text: u64,
    pub(crate) nulls: u64,
}

/// A row that can be added to a sum.
pub(crate) trait Row {
    fn add_to(&self, sum: &mut Sum);
}

impl Sum {
    /// Returns whether both sums are of the same rows. Floats may differ in the last digit, because
    /// `serde_json` with default settings does not round every float correctly.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let but_floats = |sum: &Self| (sum.rows, sum.integers, sum.text, sum.nulls);
        let difference = (self.floats - other.floats).abs();
        but_floats(self) == but_floats(other) && difference <= self.floats.abs() * 1e-13
    }

    pub(crate) fn integer(&mut self, value: i64) {
        self.integers = self.integers.wrapping_add(value.cast_unsigned());
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.floats += value;
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.text += text.len() as u64;
    }

    pub(crate) fn date(&mut self, text: &str) {
        self.text += text.len().min(10) as u64;
    }

    /// Adds all columns of a batch.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for column in batch.columns() {
            self.nulls += column.logical_null_count() as u64;
            let integers: i64 = match column.data_type() {
                DataType::Int32 => {
                    let values = column.as_primitive::<Int32Type>().iter().flatten();
                    values.map(i64::from).sum()
                }
                DataType::Date32 => {
                    let values = column.as_primitive::<Date32Type>().iter().flatten();
                    values.map(i64::from).sum()
                }
                DataType::Int64 => wrapping(column.as_primitive::<Int64Type>().values()),
                DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
                    wrapping(column.as_primitive::<TimestampMicrosecondType>().values())
                }
                DataType::Float64 => {
                    let values = column.as_primitive::<Float64Type>();
                    self.floats += values.iter().flatten().sum::<f64>();
                    0
                }
                DataType::Boolean => column.as_boolean().true_count() as i64,
                DataType::Utf8 => {
                    let offsets = column.as_string::<i32>().value_offsets();
                    self.text += (offsets[offsets.len() - 1] - offsets[0]) as u64;
                    0
                }
                DataType::Binary => {
                    let offsets = column.as_binary::<i32>().value_offsets();
                    self.text += (offsets[offsets.len() - 1] - offsets[0]) as u64;
                    0
                }
                other => bail!("no table becomes {other}"),
            };
            self.integer(integers);
        }
        Ok(())
    }

    /// Adds a value, or counts a NULL.
    pub(crate) fn optional<T>(&mut self, value: Option<T>, add: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => add(self, value),
            None => self.nulls += 1,
        }
    }
}

/// The slots of NULLs hold 0.
fn wrapping(values: &[i64]) -> i64 {
    values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_digit_of_a_float_may_differ() {
        let sum = Sum {
            rows: 2,
            integers: 7,
            floats: 0.3,
            text: 4,
            nulls: 1,
        };
        assert!(sum.agrees_with(&Sum {
            floats: 0.1 + 0.2,
            ..sum
        }));
        assert!(!sum.agrees_with(&Sum {
            floats: 0.300_001,
            ..sum
        }));
        assert!(!sum.agrees_with(&Sum { rows: 3, ..sum }));
        assert!(!sum.agrees_with(&Sum { integers: 8, ..sum }));
        assert!(!sum.agrees_with(&Sum { text: 5, ..sum }));
        assert!(!sum.agrees_with(&Sum { nulls: 0, ..sum }));
    }
}
