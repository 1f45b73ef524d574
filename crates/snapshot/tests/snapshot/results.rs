//! What a snapshot has.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use rowfeed::{Secret, prelude::*};
use rowfeed_arrow::{RecordBatchesExt as _, arrow_schema::DataType};
use rowfeed_sandbox::{
    LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, ScriptedResult, Service, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};
use rowfeed_snapshot::{
    Compression, Destination, Manifest, Snapshot,
    object_store::{ObjectStore, local::LocalFileSystem, memory::InMemory},
    snapshot,
};

use crate::support::{dune, one, read, rows, sandbox};

#[tokio::test]
async fn a_directory_has_the_rows_of_the_run_in_parts_of_one_size() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, "SELECT * FROM trades ORDER BY block_time").await;
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("new/trades");
    let destination = Destination::directory(&directory);
    assert_eq!(Manifest::read(&destination).await.unwrap(), None);
    // Pages do not end where parts do.
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    let write = Snapshot::new(&run).rows_per_part(20).page_size(7);
    let write = write.on_progress(move |progress| seen.lock().unwrap().push(*progress));
    let manifest = write.write(&destination).await.unwrap();
    assert!(manifest.is_finished());
    let sizes: Vec<u64> = manifest.parts().iter().map(|part| part.rows).collect();
    assert_eq!(sizes, [20, 20, 8]);
    let store = LocalFileSystem::new_with_prefix(&directory).unwrap();
    assert_eq!(read(&store, "", &manifest).await, rows(&run).await);
    assert_eq!(
        Manifest::read(&destination).await.unwrap(),
        Some(manifest.clone())
    );
    // The manifest is plain JSON, and engines ignore names that begin with `_`.
    let text = fs::read_to_string(directory.join("_snapshot.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["finished"], true);
    assert_eq!(json["run_id"], run.id());
    assert_eq!(json["rows"], 48);
    assert_eq!(json["schema"][0]["name"], manifest.columns()[0].name);
    let mut names: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "_snapshot.json",
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ];
    assert_eq!(names, expected);
    let reports = reports.lock().unwrap();
    assert!(reports.windows(2).all(|pair| pair[0].rows <= pair[1].rows));
    let last = reports.last().unwrap();
    assert_eq!(
        (last.rows, last.stored_rows, last.total_rows),
        (48, 48, Some(48))
    );
    assert_eq!(last.stored_bytes, manifest.bytes());
}

#[tokio::test]
async fn every_service_and_every_compression_gives_its_rows() {
    let sandbox = sandbox().await;
    let lightdash = rowfeed::lightdash::Client::builder().base_url(sandbox.lightdash_url());
    let lightdash = lightdash
        .token(Secret::new(LIGHTDASH_TOKEN).unwrap())
        .build()
        .unwrap();
    let yandex = rowfeed::yandex_query::Client::builder().base_url(sandbox.yandex_query_url());
    let yandex = yandex
        .iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap())
        .build()
        .unwrap();
    let sql = "SELECT * FROM synthetic(3000)";
    let runs = [
        dune(&sandbox, sql).await,
        lightdash
            .execute_async_sql_query()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .sql("SELECT project, note, members, launched_on FROM projects")
            .run()
            .await
            .unwrap(),
        yandex
            .create_query()
            .project(YANDEX_PROJECT)
            .text(sql)
            .run()
            .await
            .unwrap(),
    ];
    for run in &runs {
        for compression in [Compression::Zstd, Compression::Snappy, Compression::None] {
            let store = Arc::new(InMemory::new());
            let destination = Destination::store(store.clone(), "a/b");
            let write = Snapshot::new(run).rows_per_part(1100).row_group_rows(300);
            let manifest = write
                .compression(compression)
                .write(&destination)
                .await
                .unwrap();
            assert_eq!(manifest.service(), run.service());
            assert_eq!(read(&*store, "a/b", &manifest).await, rows(run).await);
        }
    }
}

#[tokio::test]
async fn a_result_without_rows_has_one_part_with_its_columns() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, "SELECT trade_id, project FROM trades WHERE 1 = 0").await;
    let store = Arc::new(InMemory::new());
    let destination = Destination::store(store.clone(), "empty");
    for _ in 0..2 {
        let manifest = Snapshot::new(&run).write(&destination).await.unwrap();
        assert!(manifest.is_finished());
        assert_eq!((manifest.rows(), manifest.parts().len()), (0, 1));
        let empty = read(&*store, "empty", &manifest).await;
        let names: Vec<&str> = manifest
            .columns()
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!((empty.num_rows(), names), (0, vec!["trade_id", "project"]));
    }
}

#[tokio::test]
async fn columns_and_types_are_those_requested_and_no_others_are_sent() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, "SELECT * FROM trades ORDER BY block_time").await;
    sandbox.take_requests();
    let store = Arc::new(InMemory::new());
    let destination = Destination::store(store.clone(), "");
    let write = Snapshot::new(&run).columns(["amount_usd", "trade_id"]);
    let write = write.column_type("trade_id", DataType::Utf8);
    let manifest = write.write(&destination).await.unwrap();
    let columns: Vec<_> = manifest
        .columns()
        .iter()
        .map(|column| (column.name.as_str(), column.arrow_type.as_str()))
        .collect();
    assert_eq!(columns, [("amount_usd", "Float64"), ("trade_id", "Utf8")]);
    let expected = run
        .pages()
        .select_columns(["amount_usd", "trade_id"])
        .record_batches()
        .column_type("trade_id", DataType::Utf8);
    let expected = one(expected.try_collect().await.unwrap());
    let order = ["amount_usd", "trade_id"].map(|name| expected.schema().index_of(name).unwrap());
    assert_eq!(
        read(&*store, "", &manifest).await,
        expected.project(&order).unwrap()
    );
    let requests = sandbox.take_requests();
    let pages: Vec<_> = requests
        .iter()
        .filter(|request| request.rows.is_some())
        .collect();
    assert!(!pages.is_empty());
}

#[tokio::test]
async fn a_finished_snapshot_is_not_read_again() {
    let sandbox = sandbox().await;
    let run = dune(&sandbox, "SELECT * FROM trades").await;
    let temporary = tempfile::tempdir().unwrap();
    let first = snapshot(&run, temporary.path()).await.unwrap();
    let before = fs::metadata(temporary.path().join("part-00000.parquet")).unwrap();
    sandbox.take_requests();
    let second = snapshot(&run, temporary.path()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(sandbox.take_requests().len(), 0);
    let after = fs::metadata(temporary.path().join("part-00000.parquet")).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
}

/// A part that is larger than a piece of an upload is sent in pieces.
#[tokio::test]
async fn a_large_part_is_sent_in_pieces() {
    let sandbox = sandbox().await;
    // 60 texts of 400 kB.
    let text = |row: usize| {
        let words = (0..50_000).map(|word| {
            format!(
                "{:08x}",
                (row * 50_000 + word).wrapping_mul(2_654_435_761) as u32
            )
        });
        vec![format!("\"{}\"", words.collect::<String>())]
    };
    let texts = ScriptedResult::new([("text", "varchar")]).generated(60, text);
    sandbox
        .script_result(Service::Dune, "SELECT text", texts)
        .unwrap();
    let run = dune(&sandbox, "SELECT text").await;
    let temporary = tempfile::tempdir().unwrap();
    let write = Snapshot::new(&run)
        .row_group_rows(5)
        .compression(Compression::None)
        .page_size(10);
    let destination = Destination::directory(temporary.path());
    let manifest = write.write(&destination).await.unwrap();
    assert_eq!(manifest.parts().len(), 1);
    assert!(manifest.bytes() > 16 << 20, "{}", manifest.bytes());
    let store: Arc<dyn ObjectStore> =
        Arc::new(LocalFileSystem::new_with_prefix(temporary.path()).unwrap());
    assert_eq!(read(&*store, "", &manifest).await, rows(&run).await);
}
