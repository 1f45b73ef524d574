use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::rows::Rows;
use crate::table::WireTable;

/// A result in the format of one service: the type of each column as the service spells it, and
/// every cell as JSON text.
///
/// It is the result of one exact SQL text (see
/// [`Sandbox::script_result`](crate::Sandbox::script_result)) and is paged like any other result.
/// For Lightdash, a cell is the `raw` value; the sandbox derives `formatted` from it.
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
    columns: Vec<(String, String)>,
    rows: Rows<String>,
}

impl ScriptedResult {
    /// Creates a result without rows, from the names and types of its columns.
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
            columns,
            rows: Rows::default(),
        }
    }

    /// Adds a row: the JSON text of each cell, in the order of the columns.
    ///
    /// Does nothing if the rows are [`generated`](Self::generated).
    #[must_use]
    pub fn row<C: Into<String>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        if let Rows::Held(rows) = &mut self.rows {
            rows.push(cells.into_iter().map(Into::into).collect());
        }
        self
    }

    /// Sets the number of rows and a function that generates a row from its index. The sandbox
    /// generates a row when a page needs it, and does not store it.
    ///
    /// ```
    /// use rowfeed_sandbox::ScriptedResult;
    ///
    /// let result = ScriptedResult::new([("n", "uint256")])
    ///     .generated(10_000_000, |index| vec![format!("\"{index}\"")]);
    /// ```
    #[must_use]
    pub fn generated(
        mut self,
        rows: usize,
        row: impl Fn(usize) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.rows = Rows::Made(rows, Arc::new(row));
        self
    }

    /// Checks that every row fits the columns and that every cell is JSON. Of generated rows it
    /// checks the first.
    pub(crate) fn into_table(self) -> Result<WireTable, ScriptError> {
        let width = self.columns.len();
        let checked = if self.rows.is_held() { usize::MAX } else { 1 };
        for (index, row) in self.rows.iter().take(checked).enumerate() {
            if row.len() != width {
                return Err(ScriptError(format!(
                    "row {index} of the scripted result has {} cells, but there are {width} \
                     columns: provide one cell per column",
                    row.len()
                )));
            }
            for ((name, _), cell) in self.columns.iter().zip(row.iter()) {
                if let Err(error) = serde_json::from_str::<&RawValue>(cell) {
                    return Err(ScriptError(format!(
                        "row {index}, column {name:?}: {cell:?} is not JSON ({error}): write text \
                         as a JSON string, with its quotes"
                    )));
                }
            }
        }
        Ok(WireTable::new(self.columns, self.rows))
    }
}

/// The reason why a scripted result is invalid.
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
    fn rows_that_do_not_fit_the_columns_are_refused() {
        let one = || ScriptedResult::new([("a", "bigint")]);
        assert!(one().row(["1"]).into_table().is_ok());
        let error = one().row(["1", "2"]).into_table().unwrap_err();
        assert!(error.to_string().contains("2 cells"), "{error}");
        let error = one().row(["x"]).into_table().unwrap_err();
        assert!(error.to_string().contains("is not JSON"), "{error}");
    }
}
