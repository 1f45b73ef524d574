//! The output of an export, written page by page.

use std::{
    fs::{File, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use anyhow::{Result, bail};
use rowfeed::Page;

use crate::{
    Format, cells,
    parquet_parts::ParquetParts,
    state::{Files, about},
};

pub(crate) enum Output {
    Text(Text),
    Parquet(ParquetParts),
}

/// A file that is appended to.
pub(crate) struct Text {
    format: Format,
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Output {
    /// Opens the part file and drops bytes beyond `written`, which belong to an incomplete page.
    pub(crate) fn open(format: Format, files: &Files, written: u64) -> Result<Self> {
        if format == Format::Parquet {
            return Ok(Self::Parquet(ParquetParts::open(&files.part, written)?));
        }
        let failed = |error| about(&files.part, &error);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let mut file = options.open(&files.part).map_err(failed)?;
        let there = file.metadata().map_err(failed)?.len();
        if there < written {
            bail!(
                "{} has {there} bytes, but the state file expects {written}; remove both to \
                 start again",
                files.part.display()
            );
        }
        file.set_len(written).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self::Text(Text {
            format,
            path: files.part.clone(),
            file,
            bytes: written,
        }))
    }

    /// A file is replaced when the new one is complete. A directory is never replaced.
    pub(crate) fn check_absent(format: Format, files: &Files) -> Result<()> {
        if files.output.is_dir() || (format == Format::Parquet && files.output.exists()) {
            bail!(
                "{} already exists; remove it, or choose another --out",
                files.output.display()
            );
        }
        Ok(())
    }

    /// Writes a page and syncs it to disk. Returns the size to record in the state.
    pub(crate) fn write(&mut self, page: &Page) -> Result<u64> {
        match self {
            Self::Text(text) => text.write(page),
            Self::Parquet(parts) => parts.write(page),
        }
    }
}

impl Text {
    fn write(&mut self, page: &Page) -> Result<u64> {
        let text = match self.format {
            Format::Csv => cells::csv(page, self.bytes == 0)?,
            _ => cells::ndjson(page)?,
        };
        let mut write = || {
            self.file.write_all(&text)?;
            self.file.sync_data()
        };
        write().map_err(|error: std::io::Error| about(&self.path, &error))?;
        self.bytes += text.len() as u64;
        Ok(self.bytes)
    }
}
