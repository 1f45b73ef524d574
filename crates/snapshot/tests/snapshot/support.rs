//! A sandbox with a run, a reader of snapshots, and a store that fails.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arrow_select::concat::concat_batches;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory, path::Path,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rowfeed::{CompletedRun, Secret, prelude::*};
use rowfeed_arrow::{RecordBatchesExt as _, arrow_array::RecordBatch};
use rowfeed_sandbox::{DUNE_API_KEY, Sandbox};
use rowfeed_snapshot::{Manifest, object_store, parquet};

pub(crate) fn client(sandbox: &Sandbox) -> rowfeed::dune::Client {
    let builder = rowfeed::dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.retry(rowfeed::RetryPolicy::none());
    builder
        .api_key(Secret::new(DUNE_API_KEY).unwrap())
        .build()
        .unwrap()
}

pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

pub(crate) async fn dune(sandbox: &Sandbox, sql: &str) -> CompletedRun {
    let run = client(sandbox).execute_sql().sql(sql).run().await;
    run.unwrap()
}

/// The rows of a run as one batch.
pub(crate) async fn rows(run: &CompletedRun) -> RecordBatch {
    one(run.record_batches().try_collect().await.unwrap())
}

pub(crate) fn one(batches: Vec<RecordBatch>) -> RecordBatch {
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// Reads the Parquet files below a prefix in the order of their names, as an engine does, and checks
/// that the manifest says the same of each.
pub(crate) async fn read(
    store: &dyn ObjectStore,
    prefix: &str,
    manifest: &Manifest,
) -> RecordBatch {
    let prefix = Path::from(prefix);
    let objects: Vec<ObjectMeta> = store.list(Some(&prefix)).try_collect().await.unwrap();
    let mut paths: Vec<Path> = objects
        .into_iter()
        .map(|object| object.location)
        .filter(|path| path.as_ref().ends_with(".parquet"))
        .collect();
    paths.sort();
    assert_eq!(paths.len(), manifest.parts().len(), "{paths:?}");
    let mut batches = Vec::new();
    let mut first_row = 0;
    for (path, part) in paths.iter().zip(manifest.parts()) {
        assert_eq!(path.filename(), Some(part.path.as_str()));
        let bytes = store.get(path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, part.bytes);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let facts = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap();
        let fact = |name: &str| {
            facts
                .iter()
                .find(|fact| fact.key == name)
                .unwrap()
                .value
                .clone()
        };
        assert_eq!(fact("rowfeed.run").as_deref(), Some(manifest.run_id()));
        assert_eq!(fact("rowfeed.first_row"), Some(first_row.to_string()));
        let part_rows: Vec<RecordBatch> = reader
            .build()
            .unwrap()
            .map(std::result::Result::unwrap)
            .collect();
        let rows: usize = part_rows.iter().map(RecordBatch::num_rows).sum();
        assert_eq!((part.first_row, part.rows), (first_row, rows as u64));
        first_row += rows as u64;
        batches.extend(part_rows);
    }
    assert_eq!(manifest.rows(), first_row);
    match batches.is_empty() {
        true => RecordBatch::new_empty(Arc::new(rowfeed_arrow::arrow_schema::Schema::empty())),
        false => one(batches),
    }
}

/// What a [`Flaky`] store does with the operation that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Failure {
    /// It is not carried out.
    Before,
    /// It is carried out, and the answer is lost.
    After,
    /// It never ends: the caller is dropped while it waits.
    Hangs,
}

/// A store in memory, one of whose operations fails.
#[derive(Debug)]
pub(crate) struct Flaky {
    pub(crate) inner: Arc<InMemory>,
    failure: Failure,
    /// Operations until the one that fails.
    left: AtomicUsize,
    failed: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new(inner: &Arc<InMemory>, at: usize, failure: Failure) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            failure,
            left: AtomicUsize::new(at),
            failed: AtomicUsize::new(0),
        })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst) > 0
    }

    /// Ends when an operation hangs.
    pub(crate) async fn hangs(&self) {
        while !(self.has_failed() && self.failure == Failure::Hangs) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn call<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if left.is_ok() || self.has_failed() && self.failure != Failure::Hangs {
            return operation.await;
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        match self.failure {
            Failure::Before => {}
            Failure::After => drop(operation.await),
            Failure::Hangs => std::future::pending().await,
        }
        Err(object_store::Error::Generic {
            store: "Flaky",
            source: "the connection was reset".into(),
        })
    }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.call(self.inner.put_opts(at, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.call(self.inner.put_multipart_opts(at, options)).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.call(self.inner.get_opts(at, options)).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.call(self.inner.get_ranges(at, ranges)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(self.inner.copy_opts(from, to, options)).await
    }
}
