//! A directory of Parquet files, one for each page. A Parquet file ends with its metadata, so it
//! cannot be appended to. Every Parquet reader accepts a directory as a table.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Result;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use rowfeed::Page;
use rowfeed_arrow::PageExt as _;

use crate::state::about;

pub(crate) struct ParquetParts {
    directory: PathBuf,
    parts: u64,
}

impl ParquetParts {
    /// Continues after this many parts. An incomplete part is overwritten, because the next part
    /// has its number.
    pub(crate) fn open(directory: &Path, parts: u64) -> Result<Self> {
        let failed = |error| about(directory, &error);
        if parts == 0 {
            // Parts of an export whose state was removed to start again.
            match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => fs::create_dir(directory).map_err(failed)?,
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            parts,
        })
    }

    pub(crate) fn write(&mut self, page: &Page) -> Result<u64> {
        // One part stores the columns of a result without rows.
        if page.is_empty() && self.parts > 0 {
            return Ok(self.parts);
        }
        let batch = page.record_batch()?;
        let path = self
            .directory
            .join(format!("part-{:05}.parquet", self.parts));
        let file = File::create(&path).map_err(|error| about(&path, &error))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build()))?;
        writer.write(&batch)?;
        let file = writer.into_inner()?;
        file.sync_all().map_err(|error| about(&path, &error))?;
        self.parts += 1;
        Ok(self.parts)
    }
}
