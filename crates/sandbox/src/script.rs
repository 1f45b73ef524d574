use std::fmt;

use serde_json::value::RawValue;

use crate::table::WireTable;

/// A result in a service's own words: the type of each column as the service
/// spells it, and every cell as JSON text.
///
/// It stands for the answer to one exact SQL text (see
/// [`Sandbox::script_result`](crate::Sandbox::script_result)) and is paged like
/// any other result. For Lightdash a cell is the `raw` value; `formatted` is made
/// from it.
///
/// ```
/// use rowfeed_sandbox::ScriptedResult;
///
/// let result = ScriptedResult::new([("total", "uint256"), ("tags", "array(varchar)")])
///     .row(["\"115792089237316195423570985008687907853\"", "[\"a\",null]"])
///     .row(["null", "[]"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScriptedResult {
    table: WireTable,
}

impl ScriptedResult {
    /// A result without rows: names and types of its columns, in order.
    pub fn new<N, T>(columns: impl IntoIterator<Item = (N, T)>) -> Self
    where
        N: Into<String>,
        T: Into<String>,
    {
        let columns = columns
            .into_iter()
            .map(|(name, type_name)| (name.into(), type_name.into()))
            .collect();
        Self {
            table: WireTable {
                columns,
                rows: Vec::new(),
            },
        }
    }

    /// Adds a row: the JSON text of each cell, in the order of the columns.
    #[must_use]
    pub fn row<C: Into<String>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        let cells = cells.into_iter().map(Into::into).collect();
        self.table.rows.push(cells);
        self
    }

    /// Checks that every row fits the columns and every cell is JSON.
    pub(crate) fn into_table(self) -> Result<WireTable, ScriptError> {
        let width = self.table.columns.len();
        for (index, row) in self.table.rows.iter().enumerate() {
            if row.len() != width {
                return Err(ScriptError(format!(
                    "row {index} of the scripted result has {} cells, but there are {width} \
                     columns: give one cell for each column",
                    row.len()
                )));
            }
            for ((name, _), cell) in self.table.columns.iter().zip(row) {
                if let Err(error) = serde_json::from_str::<&RawValue>(cell) {
                    return Err(ScriptError(format!(
                        "row {index}, column {name:?}: {cell:?} is not JSON ({error}): write text \
                         as a JSON string, with its quotes"
                    )));
                }
            }
        }
        Ok(self.table)
    }
}

/// Why a scripted result cannot be served.
#[derive(Debug)]
pub(crate) struct ScriptError(String);

impl fmt::Display for ScriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::ScriptedResult;

    #[test]
    fn what_does_not_fit_is_refused() {
        let one = || ScriptedResult::new([("a", "bigint")]);
        assert!(one().row(["1"]).into_table().is_ok());
        let error = one().row(["1", "2"]).into_table().unwrap_err();
        assert!(error.to_string().contains("2 cells"), "{error}");
        let error = one().row(["x"]).into_table().unwrap_err();
        assert!(error.to_string().contains("is not JSON"), "{error}");
    }
}
