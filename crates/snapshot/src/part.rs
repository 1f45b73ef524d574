//! A file of a snapshot, from batches to a stored object.

use arrow_array::RecordBatch;
use bytes::Bytes;
use object_store::{ObjectStoreExt as _, PutMode, WriteMultipart};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression as Codec, ZstdLevel},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterPropertiesBuilder},
    },
};

use crate::{SnapshotError, SnapshotErrorKind, destination::Opened};

/// Bytes that are collected before a part is sent in pieces.
const PIECE: usize = 8 << 20;

/// How many pieces of a part are sent at a time.
const CONCURRENT_PIECES: usize = 4;

/// How pages of Parquet are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Small files.
    #[default]
    Zstd,
    /// Fast, and read by everything.
    Snappy,
    /// No compression.
    None,
}

/// Returns the settings that Parquet is written with.
///
/// Whoever writes Parquet files of its own from [`RecordBatches`](rowfeed_arrow::RecordBatches) can
/// use them too.
#[must_use]
pub fn writer_properties(compression: Compression, row_group_rows: u64) -> WriterPropertiesBuilder {
    let codec = match compression {
        Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
        Compression::Snappy => Codec::SNAPPY,
        Compression::None => Codec::UNCOMPRESSED,
    };
    WriterProperties::builder()
        .set_compression(codec)
        .set_max_row_group_row_count(usize::try_from(row_group_rows).ok())
        .set_created_by(concat!("rowfeed ", env!("CARGO_PKG_VERSION")).to_owned())
}

/// A part that is being written.
pub(crate) struct Part<'a> {
    opened: &'a Opened,
    name: String,
    writer: ArrowWriter<Vec<u8>>,
    /// Bytes that are not sent.
    waiting: Vec<u8>,
    upload: Option<WriteMultipart>,
    pub(crate) rows: u64,
    bytes: u64,
}

impl<'a> Part<'a> {
    pub(crate) fn begin(
        opened: &'a Opened,
        name: String,
        batch: &RecordBatch,
        properties: WriterPropertiesBuilder,
        facts: Vec<KeyValue>,
    ) -> Result<Self, SnapshotError> {
        let properties = properties.set_key_value_metadata(Some(facts)).build();
        let writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties));
        Ok(Self {
            opened,
            name,
            writer: writer.map_err(parquet)?,
            waiting: Vec::new(),
            upload: None,
            rows: 0,
            bytes: 0,
        })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), SnapshotError> {
        self.writer.write(batch).map_err(parquet)?;
        self.rows += batch.num_rows() as u64;
        // What the writer has given out is not read again: it counts positions itself.
        let flushed = std::mem::take(self.writer.inner_mut());
        self.send(flushed).await
    }

    /// Stores the part. Returns its size in bytes.
    pub(crate) async fn finish(mut self) -> Result<u64, SnapshotError> {
        self.writer.finish().map_err(parquet)?;
        let last = std::mem::take(self.writer.inner_mut());
        self.bytes += last.len() as u64;
        self.waiting.extend(last);
        let rest = Bytes::from(std::mem::take(&mut self.waiting));
        let stored = match self.upload.take() {
            None => {
                let put = self.opened.put(&self.name, rest, PutMode::Overwrite);
                put.await.map(drop)
            }
            Some(mut upload) => {
                upload.put(rest);
                upload.finish().await.map(drop)
            }
        };
        stored.map_err(|error| self.storing(error))?;
        self.opened.sync(&self.name).await?;
        let size = self.opened.size(&self.name).await;
        match size.map_err(|error| self.storing(error))? {
            size if size == self.bytes => Ok(size),
            other => {
                let message = format!(
                    "{} has {other} bytes after {} were written; another process writes there",
                    self.name, self.bytes
                );
                Err(SnapshotError::new(SnapshotErrorKind::Busy, message))
            }
        }
    }

    /// Sends what is enough for a piece, so that memory stays bounded in a part of any size.
    async fn send(&mut self, flushed: Vec<u8>) -> Result<(), SnapshotError> {
        self.bytes += flushed.len() as u64;
        match self.waiting.is_empty() {
            true => self.waiting = flushed,
            false => self.waiting.extend(flushed),
        }
        if self.waiting.len() < PIECE {
            return Ok(());
        }
        if self.upload.is_none() {
            let path = self.opened.path(&self.name);
            let upload = self.opened.store.put_multipart(&path).await;
            let upload = upload.map_err(|error| self.storing(error))?;
            self.upload = Some(WriteMultipart::new_with_chunk_size(upload, PIECE));
        }
        if let Some(upload) = &mut self.upload {
            let sent = upload.wait_for_capacity(CONCURRENT_PIECES).await;
            upload.put(Bytes::from(std::mem::take(&mut self.waiting)));
            sent.map_err(|error| self.storing(error))?;
        }
        Ok(())
    }

    fn storing(&self, error: object_store::Error) -> SnapshotError {
        SnapshotError::store(
            &format!("writing {} in {}", self.name, self.opened.shown),
            error,
        )
    }
}

fn parquet(error: ParquetError) -> SnapshotError {
    let message =
        "the rows cannot be written as Parquet; read the column as text with column_type()";
    SnapshotError::other(SnapshotErrorKind::Parquet, message, error)
}
