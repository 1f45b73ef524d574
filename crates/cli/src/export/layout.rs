//! What a file will look like: everything that decides its bytes, beside the rows.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    args::{Compression, Format, RowArgs},
    error::{Failure, Result},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) columns: Vec<String>,
    pub(super) limit: Option<u64>,
    pub(super) result_set: Option<u32>,
    pub(super) types: Vec<String>,
    pub(super) row_group: u64,
    pub(super) rows_per_file: Option<u64>,
    pub(super) compression: Option<Compression>,
    is_directory: bool,
}

impl Layout {
    pub(super) fn of(rows: &RowArgs, path: &Path) -> Result<Self> {
        let output = &rows.output;
        let ends_in_slash = path
            .as_os_str()
            .to_string_lossy()
            .ends_with(std::path::is_separator);
        let is_directory = ends_in_slash || path.is_dir() || output.rows_per_file.is_some();
        let format = match output.format {
            Some(format) => format,
            None => by_name(path, is_directory)?,
        };
        if format == Format::Table {
            return Err(
                Failure::usage("a table is for people, and cannot be read back")
                    .hint("take --format csv, ndjson, arrow or parquet"),
            );
        }
        if is_directory && format != Format::Parquet {
            let message = format!(
                "only Parquet is written as a directory of files, not {}",
                format.name()
            );
            return Err(Failure::usage(message));
        }
        let is_typed = matches!(format, Format::Parquet | Format::Arrow);
        if !output.types.is_empty() && !is_typed {
            return Err(Failure::usage(
                "--type is for Parquet and Arrow, which have types",
            ));
        }
        Ok(Self {
            format,
            columns: rows.read.columns.clone(),
            limit: rows.read.limit,
            result_set: rows.read.result_set,
            types: output
                .types
                .iter()
                .map(|change| change.text.clone())
                .collect(),
            row_group: output.row_group,
            rows_per_file: output.rows_per_file,
            compression: (format == Format::Parquet).then_some(output.compression),
            is_directory,
        })
    }

    pub(super) fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// The file that a row is in, the files of a directory being counted from 0.
    fn file_of(&self, row: u64) -> u64 {
        self.rows_per_file.map_or(0, |rows| row / rows)
    }

    /// Where the part ends that begins with this row: after a row group, and at the end of a file.
    pub(super) fn end_of_part(&self, row: u64) -> u64 {
        let full = row + self.row_group;
        match self.rows_per_file {
            Some(rows) => full.min((self.file_of(row) + 1) * rows),
            None => full,
        }
    }

    /// Whether a part that begins with this row begins a file.
    pub(super) fn begins_file(&self, row: u64) -> bool {
        self.rows_per_file
            .map_or(row == 0, |rows| row.is_multiple_of(rows))
    }
}

fn by_name(path: &Path, is_directory: bool) -> Result<Format> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    Ok(match extension.as_deref() {
        Some("parquet" | "pq") => Format::Parquet,
        Some("csv") => Format::Csv,
        Some("ndjson" | "jsonl") => Format::Ndjson,
        Some("arrow" | "feather" | "ipc") => Format::Arrow,
        _ if is_directory => Format::Parquet,
        _ => {
            let message = format!("the name of {} does not tell a format", path.display());
            return Err(Failure::usage(message).hint(
                "call it .parquet, .csv, .ndjson or .arrow, or name the format with --format",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(row_group: u64, rows_per_file: Option<u64>) -> Layout {
        Layout {
            format: Format::Parquet,
            columns: Vec::new(),
            limit: None,
            result_set: None,
            types: Vec::new(),
            row_group,
            rows_per_file,
            compression: None,
            is_directory: rows_per_file.is_some(),
        }
    }

    #[test]
    fn parts_end_with_row_groups_and_with_files() {
        let one = layout(10, None);
        assert_eq!((one.end_of_part(0), one.end_of_part(10)), (10, 20));
        let several = layout(10, Some(25));
        let ends: Vec<u64> = [0, 10, 20, 25, 35]
            .map(|row| several.end_of_part(row))
            .to_vec();
        assert_eq!(ends, [10, 20, 25, 35, 45]);
        let begins = [0, 10, 20, 25, 50].map(|row| several.begins_file(row));
        assert_eq!(begins, [true, false, false, true, true]);
    }
}
