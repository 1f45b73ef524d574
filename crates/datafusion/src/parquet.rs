//! Parquet files that are whole or not there.

use std::{fs::File, io, path::Path, sync::Arc};

use datafusion::{
    common::{DataFusionError, Result},
    dataframe::DataFrame,
    parquet::{arrow::ArrowWriter, file::properties::WriterProperties},
};
use futures_util::TryStreamExt as _;
use tempfile::NamedTempFile;

/// Runs a query and writes its rows to one Parquet file. Returns the number of rows.
///
/// The rows go to a file with a temporary name in the same directory, which is renamed when the
/// query has ended, so a failed query leaves no file and does not replace one. DataFusion's own
/// `COPY … TO` and `write_parquet` finish the file even if the query fails midway: what they leave
/// is a valid file with the rows up to there.
///
/// Memory is bounded by the rows of a row group, 1,048,576 unless `properties` set another number.
///
/// # Errors
///
/// The query fails, or the file cannot be written. The target is then as it was.
///
/// ```
/// use datafusion::prelude::SessionContext;
/// use rowfeed_datafusion::{ResultTable, write_parquet};
///
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("trades.parquet");
/// let ctx = SessionContext::new();
/// ctx.register_table("trades", ResultTable::of(&run).await?.into())?;
/// let query = ctx.sql("SELECT project, price FROM trades WHERE price IS NOT NULL").await?;
/// let rows = write_parquet(query, &path, None).await?;
/// # let read = ctx.read_parquet(path.to_str().ok_or("no text")?, Default::default()).await?;
/// # assert_eq!(read.count().await?, rows as usize);
/// # });
/// ```
pub async fn write_parquet(
    query: DataFrame,
    path: impl AsRef<Path>,
    properties: Option<WriterProperties>,
) -> Result<u64> {
    let path = path.as_ref().to_owned();
    let mut batches = query.execute_stream().await?;
    let schema = batches.schema();
    let target = path.clone();
    let (file, mut writer) = off_runtime(move || {
        let file = create_beside(&target)?;
        let writer = ArrowWriter::try_new(file.reopen()?, Arc::clone(&schema), properties)?;
        Ok((file, writer))
    })
    .await?;
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows() as u64;
        writer = off_runtime(move || {
            writer.write(&batch)?;
            Ok(writer)
        })
        .await?;
    }
    off_runtime(move || {
        let written: File = writer.into_inner()?;
        written.sync_all()?;
        file.persist(&path).map_err(|error| {
            let message = format!("cannot write {}: {}", path.display(), error.error);
            io::Error::new(error.error.kind(), message)
        })?;
        Ok(rows)
    })
    .await
}

/// A file with a temporary name in the directory of `path`. It is removed when dropped.
fn create_beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rowfeed-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: the umask takes away from it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// Writing to disk must not hold up the tasks that fetch pages.
async fn off_runtime<T: Send + 'static>(
    write: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let task = tokio::task::spawn_blocking(write);
    task.await
        .map_err(|error| DataFusionError::External(Box::new(error)))?
}
