//! Converts record batches to a DataFrame.
//!
//! Polars has its own implementation of Arrow. Both sides read and write Arrow's streaming format,
//! here in memory. No value is converted, and no unsafe code is needed.

use std::io::Cursor;

use anyhow::Result;
use arrow_ipc::writer::StreamWriter;
use polars::prelude::{DataFrame, IpcStreamReader, SerReader as _};
use rowfeed_arrow::RecordBatches;

pub(crate) async fn data_frame(mut batches: RecordBatches) -> Result<DataFrame> {
    // A result without rows has a schema too.
    let schema = batches.schema().await?;
    let mut stream = StreamWriter::try_new(Vec::new(), &schema)?;
    while let Some(batch) = batches.try_next().await? {
        stream.write(&batch)?;
    }
    let bytes = stream.into_inner()?;
    Ok(IpcStreamReader::new(Cursor::new(bytes)).finish()?)
}
