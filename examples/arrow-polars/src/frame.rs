//! From record batches to a DataFrame.
//!
//! Polars has an Arrow of its own. What both read and write is Arrow's streaming format, here in
//! memory: no value is converted, and nothing unsafe is needed.

use std::io::Cursor;

use anyhow::Result;
use arrow_ipc::writer::StreamWriter;
use polars::prelude::{DataFrame, IpcStreamReader, SerReader as _};
use rowfeed_arrow::RecordBatches;

pub(crate) async fn data_frame(mut batches: RecordBatches) -> Result<DataFrame> {
    // The columns are known where there are no rows, too.
    let schema = batches.schema().await?;
    let mut stream = StreamWriter::try_new(Vec::new(), &schema)?;
    while let Some(batch) = batches.try_next().await? {
        stream.write(&batch)?;
    }
    let bytes = stream.into_inner()?;
    Ok(IpcStreamReader::new(Cursor::new(bytes)).finish()?)
}
