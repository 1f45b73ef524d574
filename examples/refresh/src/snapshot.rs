//! Replaces a file atomically: readers see either the old rows or the new rows.

use std::{
    io::{BufWriter, Write as _},
    path::Path,
};

use anyhow::{Result, anyhow};
use rowfeed::Row;
use tempfile::NamedTempFile;

pub(crate) fn write(path: &Path, rows: &[Row]) -> Result<()> {
    write_beside(path, rows).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Writes to a file in the same directory, which then replaces the old one.
fn write_beside(path: &Path, rows: &[Row]) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = BufWriter::new(NamedTempFile::new_in(directory)?);
    for row in rows {
        serde_json::to_writer(&mut file, row)?;
        file.write_all(b"\n")?;
    }
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
