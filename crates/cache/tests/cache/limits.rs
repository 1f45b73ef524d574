//! Size, age, damage, and processes that do the same at once.

use std::{
    fs, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rowfeed::prelude::*;
use rowfeed_cache::{DirectoryStore, PageCache, PageStore};
use rowfeed_sandbox::DUNE_API_KEY;

use crate::support::{SQL, cache, dune, read, sandbox};

fn entries(directory: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path().join("pages")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn an_entry_ends_with_the_run_and_with_its_age() {
    // The service keeps results for two seconds, and says so.
    let short = sandbox(|sandbox| sandbox.results_lifetime(Duration::from_secs(2))).await;
    let temporary = tempfile::tempdir().unwrap();
    let client = dune(&short, &cache(temporary.path(), "a"));
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    assert_eq!(read(run.pages()).await.1, [false]);
    assert_eq!(read(run.pages()).await.1, [true]);
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    let error = run.pages().try_next().await.unwrap_err();
    assert_eq!(error.run_id(), Some(run.id()));
    assert_eq!(
        entries(&temporary).len(),
        0,
        "an entry that has expired is removed"
    );

    let long = sandbox(|sandbox| sandbox).await;
    let young = PageCache::directory(temporary.path().join("pages"), "a").unwrap();
    let young = Arc::new(young.max_age(Duration::from_secs(2)));
    let client = dune(&long, &young);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    assert_eq!(read(run.pages()).await.1, [false]);
    assert_eq!(read(run.pages()).await.1, [true]);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(read(run.pages()).await.1, [false]);
}

#[tokio::test]
async fn what_was_used_longest_ago_goes_first() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let store = |bytes| {
        DirectoryStore::open(temporary.path().join("pages"))
            .unwrap()
            .max_bytes(bytes)
    };
    let all = Arc::new(PageCache::new(Arc::new(store(1 << 30)), "a"));
    let client = dune(&sandbox, &all);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    read(run.pages().page_size(10)).await;
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let whole: u64 = entries(&temporary).iter().map(size).sum();
    assert_eq!(entries(&temporary).len(), 5);
    // Long ago, but for the first page, which is read again.
    for path in entries(&temporary) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
    }
    assert!(
        run.pages()
            .page_size(10)
            .try_next()
            .await
            .unwrap()
            .unwrap()
            .raw()
            .is_cached()
    );
    let small = Arc::new(PageCache::new(Arc::new(store(whole * 3 / 5)), "a"));
    let client = dune(&sandbox, &small);
    let run = client
        .get_execution_status()
        .execution_id(run.id())
        .run()
        .await
        .unwrap();
    run.pages().page_size(11).try_next().await.unwrap();
    let left: u64 = entries(&temporary).iter().map(size).sum();
    assert!(left <= whole * 3 / 5 && left > 0, "{left} of {whole}");
    assert!(
        run.pages()
            .page_size(10)
            .try_next()
            .await
            .unwrap()
            .unwrap()
            .raw()
            .is_cached()
    );
    // A page that is larger than all may be is not kept.
    let tiny = Arc::new(PageCache::new(Arc::new(store(10)), "b"));
    let client = dune(&sandbox, &tiny);
    let run = client
        .get_execution_status()
        .execution_id(run.id())
        .run()
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(read(run.pages()).await.1, [false]);
    }
}

#[tokio::test]
async fn a_damaged_or_exchanged_entry_is_fetched_again() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let cache = cache(temporary.path(), "a");
    let client = dune(&sandbox, &cache);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    let (rows, _) = read(run.pages().page_size(24)).await;
    let paths = entries(&temporary);
    assert_eq!(paths.len(), 2);
    let first = fs::read(&paths[0]).unwrap();
    let mut flipped = first.clone();
    let middle = flipped.len() - 20;
    flipped[middle] ^= 0x10;
    for damaged in [
        &b""[..],
        b"{}",
        b"\n\n",
        &first[..first.len() / 2],
        &flipped,
    ] {
        fs::write(&paths[0], damaged).unwrap();
        let (again, kept) = read(run.pages().page_size(24)).await;
        assert_eq!(again, rows);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 1);
        // It was replaced.
        assert_eq!(read(run.pages().page_size(24)).await.1, [true, true]);
    }
    // Another page in the place of this one.
    fs::copy(&paths[1], &paths[0]).unwrap();
    assert_eq!(read(run.pages().page_size(24)).await.0, rows);
}

#[test]
fn the_directory_and_its_files_are_for_the_user_alone_and_have_no_key() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let sandbox = sandbox(|sandbox| sandbox).await;
        let client = dune(&sandbox, &cache(temporary.path(), "a"));
        let run = client.execute_sql().sql(SQL).run().await.unwrap();
        read(run.pages()).await;
    });
    for path in entries(&temporary) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(DUNE_API_KEY));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&temporary.path().join("pages")), 0o700);
        for path in entries(&temporary) {
            assert_eq!(mode(&path), 0o600);
        }
        let shared = temporary.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        let error = PageCache::directory(&shared, "a").unwrap_err();
        assert!(error.to_string().contains("mode 755"), "{error}");
    }
    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(PageCache::directory(&file, "a").is_err());
}

/// Eight writers and readers of the same pages, with a limit that removes entries all the time.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_read_write_and_remove_at_once_get_right_rows() {
    let sandbox = sandbox(|sandbox| sandbox).await;
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("pages");
    let plain = dune(&sandbox, &cache(temporary.path(), "plain"));
    let run = plain.execute_sql().sql(SQL).run().await.unwrap();
    let (rows, _) = read(run.pages()).await;
    let readers = (0..8_u32).map(|number| {
        // A store of its own, as another process has.
        let store = DirectoryStore::open(&directory).unwrap().max_bytes(6_000);
        let cache = Arc::new(PageCache::new(Arc::new(store), "shared"));
        let client = dune(&sandbox, &cache);
        let id = run.id().to_owned();
        tokio::spawn(async move {
            let run = client
                .get_execution_status()
                .execution_id(id)
                .run()
                .await
                .unwrap();
            let mut all = Vec::new();
            for round in 0..6 {
                all.push(
                    read(run.pages().page_size(5 + (number + round) % 3))
                        .await
                        .0,
                );
            }
            (all, cache.stats())
        })
    });
    let readers: Vec<_> = readers.collect();
    let mut hits = 0;
    for reader in readers {
        let (all, stats) = reader.await.unwrap();
        assert!(all.iter().all(|read| *read == rows));
        hits += stats.hits;
    }
    assert!(hits > 0);
    let left: u64 = entries(&temporary)
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(left <= 6_000 + 6_000, "{left}");
    let drafts = entries(&temporary)
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "tmp"))
        .count();
    assert_eq!(drafts, 0);
}

/// A store that fails does not fail the call.
#[tokio::test]
async fn a_store_that_fails_costs_a_request_and_no_row() {
    struct Broken;
    impl PageStore for Broken {
        fn get(&self, _name: &str) -> io::Result<Option<Vec<u8>>> {
            Err(io::Error::other("broken"))
        }
        fn put(&self, _name: &str, _entry: &[u8]) -> io::Result<()> {
            Err(io::Error::other("broken"))
        }
        fn remove(&self, _name: &str) -> io::Result<()> {
            panic!("not called")
        }
    }
    let sandbox = sandbox(|sandbox| sandbox).await;
    let cache = Arc::new(PageCache::new(Arc::new(Broken), "a"));
    let client = dune(&sandbox, &cache);
    let run = client.execute_sql().sql(SQL).run().await.unwrap();
    for _ in 0..2 {
        let (rows, kept) = read(run.pages()).await;
        assert_eq!((rows.len(), kept), (48, vec![false]));
    }
    assert_eq!((cache.stats().hits, cache.stats().stored), (0, 0));
}
