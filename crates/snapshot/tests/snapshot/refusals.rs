//! Destinations that have something else, and manifests that cannot be trusted.

use std::fs;

use rowfeed::CompletedRun;
use rowfeed_arrow::arrow_schema::DataType;
use rowfeed_sandbox::Fault;
use rowfeed_snapshot::{Destination, Manifest, Snapshot, SnapshotError, SnapshotErrorKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{dune, sandbox};

const SQL: &str = "SELECT * FROM trades ORDER BY block_time";

/// A directory with a snapshot of 48 rows in parts of 10, of which this many are stored.
struct Begun {
    run: CompletedRun,
    other: CompletedRun,
    directory: TempDir,
    sandbox: rowfeed_sandbox::Sandbox,
}

impl Begun {
    async fn new(pages: u32) -> Self {
        let sandbox = sandbox().await;
        let run = dune(&sandbox, SQL).await;
        let other = dune(&sandbox, SQL).await;
        let directory = tempfile::tempdir().unwrap();
        sandbox.fault(Fault::status(500).path("/results").after(pages).times(1));
        let this = Self {
            run,
            other,
            directory,
            sandbox,
        };
        let first = this.write(&this.run, |snapshot| snapshot).await;
        assert_eq!(first.is_err(), pages < 5);
        this.sandbox.clear_faults();
        this.sandbox.take_requests();
        this
    }

    fn destination(&self) -> Destination {
        Destination::directory(self.directory.path())
    }

    async fn write<'a>(
        &self,
        run: &'a CompletedRun,
        change: impl FnOnce(Snapshot<'a>) -> Snapshot<'a>,
    ) -> Result<Manifest, SnapshotError> {
        let snapshot = Snapshot::new(run)
            .rows_per_part(10)
            .page_size(10)
            .prefetch(0);
        change(snapshot).write(&self.destination()).await
    }

    /// Asserts that writing is refused, and changes nothing.
    async fn is_refused<'a>(
        &self,
        run: &'a CompletedRun,
        change: impl FnOnce(Snapshot<'a>) -> Snapshot<'a>,
        kind: SnapshotErrorKind,
        parts: &[&str],
    ) {
        let before = self.files();
        let error = self.write(run, change).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "no {part:?} in: {error}");
        }
        let after = self.files();
        // The process that resumes writes its number before it reads.
        let without_manifest = |files: Vec<(String, Vec<u8>)>| {
            files
                .into_iter()
                .filter(|(name, _)| name != "_snapshot.json")
                .collect::<Vec<_>>()
        };
        assert!(
            without_manifest(before) == without_manifest(after),
            "{error}"
        );
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap_or_default())
            })
            .collect();
        files.sort();
        files
    }

    fn manifest(&self) -> Value {
        let path = self.directory.path().join("_snapshot.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn set_manifest(&self, manifest: &Value) {
        let path = self.directory.path().join("_snapshot.json");
        fs::write(path, manifest.to_string()).unwrap();
    }
}

#[tokio::test]
async fn another_run_is_refused_before_a_row_is_fetched() {
    for pages in [2, 9] {
        let begun = Begun::new(pages).await;
        let ids = [begun.run.id(), begun.other.id(), "name another destination"];
        let kind = SnapshotErrorKind::OtherSnapshot;
        begun
            .is_refused(&begun.other, |snapshot| snapshot, kind, &ids)
            .await;
        assert_eq!(begun.sandbox.take_requests().len(), 0);
        let manifest = begun.write(&begun.run, |snapshot| snapshot).await.unwrap();
        assert_eq!(manifest.rows(), 48);
    }
}

#[tokio::test]
async fn other_parts_columns_and_types_are_refused() {
    let begun = Begun::new(2).await;
    let kind = SnapshotErrorKind::OtherSnapshot;
    let run = &begun.run;
    let parts = ["10 rows in a part", "11 were requested"];
    begun
        .is_refused(run, |snapshot| snapshot.rows_per_part(11), kind, &parts)
        .await;
    let columns = ["other columns or types"];
    begun
        .is_refused(
            run,
            |snapshot| snapshot.columns(["project"]),
            kind,
            &columns,
        )
        .await;
    begun
        .is_refused(
            run,
            |snapshot| snapshot.column_type("trade_id", DataType::Utf8),
            kind,
            &["trade_id"],
        )
        .await;
    let kind = SnapshotErrorKind::InvalidRequest;
    begun
        .is_refused(
            run,
            |snapshot| snapshot.columns(["trade"]),
            kind,
            &["no column \"trade\"", "trade_id"],
        )
        .await;
    begun
        .is_refused(
            run,
            |snapshot| snapshot.rows_per_part(0),
            kind,
            &["at least 1"],
        )
        .await;
    // None of it has broken what was begun.
    assert_eq!(
        begun.write(run, |snapshot| snapshot).await.unwrap().rows(),
        48
    );
}

#[tokio::test]
async fn a_run_whose_rows_have_changed_is_refused() {
    let begun = Begun::new(2).await;
    let mut manifest = begun.manifest();
    assert_eq!(manifest["total_rows"], 48);
    manifest["total_rows"] = json!(47);
    begun.set_manifest(&manifest);
    let kind = SnapshotErrorKind::OtherSnapshot;
    let says = ["47 rows then and has 48 now", "has changed"];
    begun
        .is_refused(&begun.run, |snapshot| snapshot, kind, &says)
        .await;
}

#[tokio::test]
async fn a_destination_with_something_else_is_refused() {
    let begun = Begun::new(9).await;
    let foreign = |name: &str| begun.directory.path().join(name);
    fs::remove_file(foreign("_snapshot.json")).unwrap();
    let kind = SnapshotErrorKind::Foreign;
    let run = &begun.run;
    begun
        .is_refused(
            run,
            |snapshot| snapshot,
            kind,
            &["no manifest", "empty destination"],
        )
        .await;

    let begun = Begun::new(2).await;
    let path = |name: &str| begun.directory.path().join(name);
    let run = &begun.run;
    fs::write(path("extra.parquet"), "PAR1").unwrap();
    begun
        .is_refused(
            run,
            |snapshot| snapshot,
            kind,
            &["extra.parquet is not a part"],
        )
        .await;
    fs::remove_file(path("extra.parquet")).unwrap();
    // The next part may be there without being named; the one after it may not.
    fs::copy(path("part-00001.parquet"), path("part-00003.parquet")).unwrap();
    begun
        .is_refused(
            run,
            |snapshot| snapshot,
            kind,
            &["part-00003.parquet is not a part"],
        )
        .await;
    fs::rename(path("part-00003.parquet"), path("part-00002.parquet")).unwrap();
    let part = fs::read(path("part-00000.parquet")).unwrap();
    fs::write(path("part-00000.parquet"), &part[1..]).unwrap();
    begun
        .is_refused(
            run,
            |snapshot| snapshot,
            kind,
            &["part-00000.parquet has", "expected"],
        )
        .await;
    fs::remove_file(path("part-00000.parquet")).unwrap();
    begun
        .is_refused(
            run,
            |snapshot| snapshot,
            kind,
            &["part-00000.parquet is missing"],
        )
        .await;
    fs::write(path("part-00000.parquet"), part).unwrap();
    // What engines do not read is nobody's business, and a killed process's drafts are removed.
    fs::write(path("README.txt"), "ours").unwrap();
    fs::write(path("part-00002.parquet#1"), "half").unwrap();
    assert_eq!(
        begun.write(run, |snapshot| snapshot).await.unwrap().rows(),
        48
    );
    assert!(path("README.txt").exists() && !path("part-00002.parquet#1").exists());

    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Snapshot::new(run)
        .write(&Destination::directory(&file))
        .await
        .unwrap_err();
    let shown = format!("{error}: {:?}", std::error::Error::source(&error));
    assert!(shown.contains("file"), "{shown}");
}

/// Manifests that were changed, cut, or made by somebody else.
#[tokio::test]
async fn a_manifest_that_does_not_add_up_is_refused() {
    type Change = fn(&mut Value);
    let begun = Begun::new(3).await;
    let good = begun.manifest();
    assert_eq!(good["parts"].as_array().unwrap().len(), 3);
    let changes: [(Change, &str); 18] = [
        (
            |manifest| manifest["format"] = json!("delta"),
            "its format is \"delta\"",
        ),
        (
            |manifest| manifest["version"] = json!(2),
            "its version is 2",
        ),
        (|manifest| *manifest = json!([1, 2]), "invalid"),
        (
            |manifest| *manifest = json!({"finished": true}),
            "missing field",
        ),
        (|manifest| manifest["rows"] = json!("many"), "invalid type"),
        (|manifest| manifest["rows"] = json!(29), "says 29"),
        (|manifest| manifest["rows"] = json!(-1), "invalid value"),
        (|manifest| manifest["rows_per_part"] = json!(0), "0 rows"),
        (
            |manifest| manifest["rows_per_part"] = json!(u64::MAX),
            "has 10 rows",
        ),
        (
            |manifest| manifest["parts"][1]["path"] = json!("../../other.parquet"),
            "part 1 is called",
        ),
        (
            |manifest| manifest["parts"][1]["path"] = json!("/etc/passwd"),
            "part 1 is called",
        ),
        (
            |manifest| manifest["parts"][1]["path"] = json!("part-00000.parquet"),
            "part 1 is called",
        ),
        (
            |manifest| manifest["parts"][2]["first_row"] = json!(19),
            "begins with row 19",
        ),
        (
            |manifest| manifest["parts"][2]["rows"] = json!(9),
            "expected 10",
        ),
        (
            |manifest| manifest["parts"] = json!([]),
            "parts have 0 rows",
        ),
        (|manifest| manifest["cursor"]["row"] = json!(20), "cursor"),
        (
            |manifest| manifest["cursor"]["run"] = json!("01HKZJ2683PHF9Q9PHHQ8FW4Q1"),
            "cursor",
        ),
        (|manifest| manifest["cursor"] = Value::Null, "cursor"),
    ];
    for (change, says) in changes {
        let mut manifest = good.clone();
        change(&mut manifest);
        begun.set_manifest(&manifest);
        let kind = SnapshotErrorKind::Manifest;
        begun
            .is_refused(
                &begun.run,
                |snapshot| snapshot,
                kind,
                &[says, "_snapshot.json"],
            )
            .await;
        assert!(Manifest::read(&begun.destination()).await.is_err());
    }
    let path = begun.directory.path().join("_snapshot.json");
    for bytes in [
        &b""[..],
        b"\xff\xfe",
        &good.to_string().as_bytes()[..100],
        &[b'['; 100_000],
    ] {
        fs::write(&path, bytes).unwrap();
        let kind = SnapshotErrorKind::Manifest;
        begun
            .is_refused(
                &begun.run,
                |snapshot| snapshot,
                kind,
                &["no valid manifest"],
            )
            .await;
    }
    // A manifest of 65 MiB is not read into memory.
    fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    let error = begun
        .write(&begun.run, |snapshot| snapshot)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("more than a manifest can have"),
        "{error}"
    );
    assert_eq!(begun.sandbox.take_requests().len(), 0);
    begun.set_manifest(&good);
    assert_eq!(
        begun
            .write(&begun.run, |snapshot| snapshot)
            .await
            .unwrap()
            .rows(),
        48
    );
}

#[test]
fn a_destination_by_url_is_checked_before_anything_is_sent() {
    let shown = |text: &str| Destination::parse(text).unwrap_err().to_string();
    assert!(shown("https://example.com/t").contains("expected a path, s3://"));
    assert!(shown("s3://key:secret@bucket/t").contains("credentials in the environment"));
    assert!(!shown("s3://key:secret@bucket/t").contains("secret"));
    #[cfg(not(feature = "s3"))]
    assert!(shown("s3://bucket/t").contains("feature `s3`"));
    #[cfg(not(feature = "gcs"))]
    assert!(shown("gs://bucket/t").contains("feature `gcs`"));
    #[cfg(not(feature = "azure"))]
    assert!(shown("az://bucket/t").contains("feature `azure`"));
    #[cfg(unix)]
    assert_eq!(
        Destination::parse("file:///tmp/a%20b").unwrap().to_string(),
        "/tmp/a b"
    );
    assert_eq!(Destination::parse("out").unwrap().to_string(), "out");
}
