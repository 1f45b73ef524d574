//! Receives the record batches of a reading.

use std::io;

use anyhow::Result;
use arrow_array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::{Form, Job, Outcome};
use crate::sum::Sum;

/// Adds up the values of all batches, and for an export also writes them as Parquet.
pub(super) struct Batches {
    sum: Sum,
    is_export: bool,
    /// Created for the schema of the first batch.
    writer: Option<ArrowWriter<io::Sink>>,
}

impl Batches {
    pub(super) fn new(job: &Job) -> Self {
        Self {
            sum: Sum::default(),
            is_export: job.form == Form::Export,
            writer: None,
        }
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.sum.batch(batch)?;
        if !self.is_export {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => empty.insert(writer(batch)?),
        };
        Ok(writer.write(batch)?)
    }

    pub(super) fn finish(self) -> Result<Outcome> {
        let mut outcome = Outcome::from(self.sum);
        if let Some(mut writer) = self.writer {
            writer.finish()?;
            outcome.bytes = Some(writer.bytes_written() as u64);
        }
        Ok(outcome)
    }
}

/// Creates a writer with the default settings of the command `rowfeed`.
fn writer(batch: &RecordBatch) -> Result<ArrowWriter<io::Sink>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let writer = ArrowWriter::try_new(io::sink(), batch.schema(), Some(properties))?;
    Ok(writer)
}
