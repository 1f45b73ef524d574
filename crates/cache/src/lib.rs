#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod directory;
mod entry;
mod pinned;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rowfeed_client::{CacheCall, CacheFuture, CachedResponse, ResponseCache, Secret};

pub use directory::DirectoryStore;

/// Where entries are. The provided store is a [directory](DirectoryStore).
///
/// Methods may block: they are called on threads that may. Several processes may call them at once.
pub trait PageStore: Send + Sync + 'static {
    /// Returns the entry with this name, or `None`. A name has 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// The store cannot be read. The page is then fetched.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Adds or replaces an entry, as a whole.
    ///
    /// # Errors
    ///
    /// The store cannot be written. The page is then not kept.
    fn put(&self, name: &str, entry: &[u8]) -> io::Result<()>;

    /// Removes an entry, if it is there.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// Keeps the pages of completed runs. Set it with `cache()` of a client's builder.
///
/// - An entry is found by the service, the base URL, the account, the run, and the columns, filters
///   and range of rows of the request. Resume and page sizes therefore matter: another range is
///   another entry.
/// - Only pages of a run that is requested by its id, has completed, and sent rows are kept: of Dune's
///   `get_execution_results` without `sample_count`, Lightdash's `get_async_query_results` and Yandex
///   Query's `get_query_results`. A page that names another run than requested is not kept.
/// - An entry ends with the run's `expires_at`, if the service reports it (Dune), and after
///   [`max_age`](Self::max_age). Lightdash and Yandex Query keep results for a day, so their pages are
///   kept for no more than that.
/// - An entry that is damaged, or of another account, is not used.
/// - Errors of the store are logged with `tracing`, and the page is fetched.
///
/// What is kept are rows, unencrypted. No credential is stored.
pub struct PageCache {
    store: Arc<dyn PageStore>,
    account: String,
    max_age: Duration,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    hit_bytes: AtomicU64,
    stored: AtomicU64,
}

/// Returns a text that identifies the account of a credential that does not change, and does not tell
/// the credential. For [`PageCache::directory`].
///
/// ```
/// use rowfeed_cache::fingerprint;
/// use rowfeed_client::Secret;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mine, other) = (Secret::new("a key")?, Secret::new("another key")?);
/// assert_eq!(fingerprint(&mine), fingerprint(&mine.clone()));
/// assert_ne!(fingerprint(&mine), fingerprint(&other));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn fingerprint(credential: &Secret) -> String {
    // 64 bits of a digest: enough to tell keys apart, and too few to test a guess of a long key.
    entry::digest(&format!("rowfeed account {}", credential.expose()))[..16].to_owned()
}

/// What a [`PageCache`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Pages that were not fetched.
    pub hits: u64,
    /// Pages that were not there, and could have been.
    pub misses: u64,
    /// The size of the pages that were not fetched, in bytes.
    pub hit_bytes: u64,
    /// Pages that were stored.
    pub stored: u64,
}

/// 24 hours: how long Lightdash and Yandex Query keep results unless configured otherwise.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl PageCache {
    /// Keeps pages in a directory; see [`DirectoryStore::open`]. `account` is any text that is the same
    /// for clients with the same rights, and differs otherwise: a name of the account, or of the key.
    ///
    /// # Errors
    ///
    /// The directory cannot be created, or others can read it.
    pub fn directory(path: impl Into<PathBuf>, account: impl Into<String>) -> io::Result<Self> {
        Ok(Self::new(Arc::new(DirectoryStore::open(path)?), account))
    }

    /// Keeps pages in a store.
    pub fn new(store: Arc<dyn PageStore>, account: impl Into<String>) -> Self {
        Self {
            store,
            account: account.into(),
            max_age: 7 * DAY,
            counts: Arc::default(),
        }
    }

    /// Sets how long a page is kept at most. 7 days by default; pages of Lightdash and Yandex Query are
    /// kept for 24 hours at most.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Returns what the cache has done since it was made.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let counts = &self.counts;
        CacheStats {
            hits: counts.hits.load(Ordering::Relaxed),
            misses: counts.misses.load(Ordering::Relaxed),
            hit_bytes: counts.hit_bytes.load(Ordering::Relaxed),
            stored: counts.stored.load(Ordering::Relaxed),
        }
    }

    /// Everything that identifies a page.
    fn key(&self, call: &CacheCall<'_>) -> String {
        // JSON, so that no two lists of texts make the same key.
        serde_json::json!([
            call.service,
            call.operation,
            call.base_url,
            self.account,
            call.url,
        ])
        .to_string()
    }
}

impl ResponseCache for PageCache {
    fn load<'a>(&'a self, call: CacheCall<'a>) -> CacheFuture<'a, Option<CachedResponse>> {
        Box::pin(async move {
            pinned::request(&call)?;
            let key = self.key(&call);
            let (store, most) = (Arc::clone(&self.store), call.max_body_bytes);
            let now = SystemTime::now();
            let found = blocking(move || entry::load(&*store, &key, now, most)).await;
            let count = match &found {
                Some(response) => {
                    let bytes = response.body.len() as u64;
                    self.counts.hit_bytes.fetch_add(bytes, Ordering::Relaxed);
                    &self.counts.hits
                }
                None => &self.counts.misses,
            };
            count.fetch_add(1, Ordering::Relaxed);
            found
        })
    }

    fn store<'a>(
        &'a self,
        call: CacheCall<'a>,
        response: &'a CachedResponse,
    ) -> CacheFuture<'a, ()> {
        Box::pin(async move {
            let now = SystemTime::now();
            let expires = pinned::expires(&call, &response.body, now, self.max_age);
            let Some(expires) = expires else { return };
            let (store, key) = (Arc::clone(&self.store), self.key(&call));
            let response = response.clone();
            let stored = blocking(move || {
                entry::store(&*store, &key, &response, now, expires).then_some(())
            });
            if stored.await.is_some() {
                self.counts.stored.fetch_add(1, Ordering::Relaxed);
            }
        })
    }
}

impl fmt::Debug for PageCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageCache")
            .field("max_age", &self.max_age)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Runs work that blocks, on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Option<T> + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok().flatten()
}
