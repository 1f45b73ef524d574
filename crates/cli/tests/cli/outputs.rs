//! Standard output and files have every row and every digit.

use std::{fs::File, io::Cursor};

use arrow_array::{
    Array as _, RecordBatch,
    cast::AsArray as _,
    types::{Decimal128Type, Int64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rowfeed_sandbox::{ScriptedResult, Service};
use serde_json::{Value, json};

use crate::support::Bench;

const UINT256_MAX: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";
const WIDE: &str = "SELECT wide";

/// A result with the largest and the finest numbers that Dune sends, NULLs, and texts that need
/// quotes.
fn with_wide_numbers() -> Bench {
    let bench = Bench::new();
    let columns = [
        ("id", "bigint"),
        ("value", "uint256"),
        ("price", "decimal(38, 18)"),
        ("ratio", "double"),
        ("note", "varchar"),
        ("hash", "varbinary"),
        ("day", "date"),
        ("tags", "array(varchar)"),
    ];
    let rows = [
        [
            "9007199254740993".to_owned(),
            format!("\"{UINT256_MAX}\""),
            "\"12345678901234567890.123456789012345678\"".to_owned(),
            "0.1".to_owned(),
            "\"a,\\\"b\\\"\\nc\"".to_owned(),
            "\"0x00ff\"".to_owned(),
            "\"2024-05-01\"".to_owned(),
            "[\"x\",null]".to_owned(),
        ],
        [
            "-9223372036854775808",
            "\"0\"",
            "\"-0.000000000000000001\"",
            "1e300",
            "\"\"",
            "\"0x\"",
            "null",
            "[]",
        ]
        .map(str::to_owned),
        ["null"; 8].map(str::to_owned),
    ];
    let mut scripted = ScriptedResult::new(columns);
    for row in rows {
        scripted = scripted.row(row);
    }
    bench
        .sandbox
        .script_result(Service::Dune, WIDE, scripted)
        .unwrap();
    bench
}

#[test]
fn ndjson_has_every_digit() {
    let bench = with_wide_numbers();
    let text = bench.run(&["dune", "sql", WIDE]).ok();
    let expected = format!(
        "{{\"id\":9007199254740993,\"value\":\"{UINT256_MAX}\",\"price\":\"12345678901234567890.123456789012345678\",\
         \"ratio\":0.1,\"note\":\"a,\\\"b\\\"\\nc\",\"hash\":\"0x00ff\",\"day\":\"2024-05-01\",\"tags\":[\"x\",null]}}\n\
         {{\"id\":-9223372036854775808,\"value\":\"0\",\"price\":\"-0.000000000000000001\",\"ratio\":1e+300,\"note\":\"\",\
         \"hash\":\"0x\",\"day\":null,\"tags\":[]}}\n\
         {{\"id\":null,\"value\":null,\"price\":null,\"ratio\":null,\"note\":null,\"hash\":null,\"day\":null,\"tags\":null}}\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn csv_has_every_digit_and_distinguishes_null_from_empty() {
    let bench = with_wide_numbers();
    let text = bench.run(&["dune", "sql", WIDE, "--format", "csv"]).ok();
    let expected = format!(
        "id,value,price,ratio,note,hash,day,tags\n\
         9007199254740993,{UINT256_MAX},12345678901234567890.123456789012345678,0.1,\"a,\"\"b\"\"\nc\",0x00ff,2024-05-01,\"[\"\"x\"\",null]\"\n\
         -9223372036854775808,0,-0.000000000000000001,1e300,\"\",0x,,[]\n\
         ,,,,,,,\n"
    );
    assert_eq!(text, expected);
}

fn check_wide(batch: &RecordBatch) {
    assert_eq!(batch.num_rows(), 3);
    assert_eq!(
        batch
            .column_by_name("id")
            .unwrap()
            .as_primitive::<Int64Type>()
            .value(0),
        9_007_199_254_740_993
    );
    assert_eq!(
        batch
            .column_by_name("value")
            .unwrap()
            .as_string::<i32>()
            .value(0),
        UINT256_MAX
    );
    let price = batch
        .column_by_name("price")
        .unwrap()
        .as_primitive::<Decimal128Type>();
    assert_eq!(
        price.value_as_string(0),
        "12345678901234567890.123456789012345678"
    );
    assert_eq!(price.value_as_string(1), "-0.000000000000000001");
    let note = batch.column_by_name("note").unwrap().as_string::<i32>();
    assert_eq!(
        (note.value(0), note.value(1), note.is_null(2)),
        ("a,\"b\"\nc", "", true)
    );
    assert_eq!(
        batch
            .column_by_name("hash")
            .unwrap()
            .as_binary::<i32>()
            .value(0),
        [0, 255]
    );
    assert_eq!(
        batch
            .column_by_name("tags")
            .unwrap()
            .as_list::<i32>()
            .value(0)
            .len(),
        2
    );
}

#[test]
fn an_arrow_stream_has_every_digit() {
    let bench = with_wide_numbers();
    let ran = bench.run(&["dune", "sql", WIDE, "--format", "arrow"]);
    let reader = arrow_ipc::reader::StreamReader::try_new(Cursor::new(ran.bytes), None).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    check_wide(&batches[0]);
}

pub(crate) fn read_parquet(path: &std::path::Path) -> (Vec<RecordBatch>, usize) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let groups = builder.metadata().num_row_groups();
    let batches = builder.with_batch_size(1 << 20).build().unwrap();
    (batches.map(Result::unwrap).collect(), groups)
}

#[test]
fn parquet_and_arrow_files_have_every_digit_whole_or_merged() {
    for row_group in ["131072", "2"] {
        let bench = with_wide_numbers();
        for compression in ["zstd", "snappy", "none"] {
            let name = format!("{compression}.parquet");
            let arguments = [
                "dune",
                "sql",
                WIDE,
                "-o",
                &name,
                "--row-group",
                row_group,
                "--compression",
                compression,
            ];
            bench.run(&arguments).ok();
            let (batches, groups) = read_parquet(&bench.path(&name));
            assert_eq!(groups, if row_group == "2" { 2 } else { 1 });
            let schema = batches[0].schema();
            check_wide(&arrow_select::concat::concat_batches(&schema, &batches).unwrap());
        }
        bench
            .run(&[
                "dune",
                "sql",
                WIDE,
                "-o",
                "wide.arrow",
                "--row-group",
                row_group,
            ])
            .ok();
        let reader = arrow_ipc::reader::FileReader::try_new(
            File::open(bench.path("wide.arrow")).unwrap(),
            None,
        )
        .unwrap();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        check_wide(&arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap());
        assert_eq!(bench.names().len(), 4, "{:?}", bench.names());
    }
}

#[test]
fn text_files_equal_the_output_to_a_pipe() {
    let bench = Bench::new();
    for (service, extension) in [
        ("dune", "csv"),
        ("lightdash", "ndjson"),
        ("yandex", "jsonl"),
    ] {
        let file = format!("{service}.{extension}");
        let format = if extension == "csv" { "csv" } else { "ndjson" };
        let sql = "SELECT * FROM trades ORDER BY block_time";
        let piped = bench.run(&[service, "sql", sql, "--format", format]).ok();
        bench
            .run(&[service, "sql", sql, "-o", &file, "--page-size", "7"])
            .ok();
        assert_eq!(String::from_utf8(bench.read(&file)).unwrap(), piped);
    }
}

#[test]
fn all_services_write_the_same_rows_into_parquet() {
    let bench = Bench::new();
    let sql = "SELECT trade_id, project, amount_usd, is_maker FROM trades ORDER BY block_time";
    for service in ["dune", "lightdash", "yandex"] {
        let file = format!("{service}.parquet");
        // Lightdash's numbers are floats unless the user sets another type.
        let types = ["--type", "trade_id=int64"];
        let mut arguments = vec![service, "sql", sql, "-o", &file];
        arguments.extend(types);
        bench.run(&arguments).ok();
        let (batches, _) = read_parquet(&bench.path(&file));
        let ids = batches[0].column(0).as_primitive::<Int64Type>();
        assert_eq!(
            (batches[0].num_rows(), ids.value(0), ids.value(3)),
            (48, 1_000, 9_007_199_254_740_995)
        );
    }
    bench
        .run(&["lightdash", "sql", sql, "-o", "lossy.parquet"])
        .fails(11, &["trade_id", "--type"]);
}

#[test]
fn columns_are_selected_in_the_requested_order() {
    let bench = Bench::new();
    let sql = "SELECT * FROM projects ORDER BY project LIMIT 1";
    for service in ["dune", "lightdash", "yandex"] {
        let select = |rest: &[&str]| {
            let mut arguments = vec![service, "sql", sql, "--columns", "members,project"];
            arguments.extend(rest);
            bench.run(&arguments)
        };
        assert_eq!(
            select(&[]).ok(),
            "{\"members\":5,\"project\":\"estuary\"}\n",
            "{service}"
        );
        assert_eq!(select(&["-f", "csv"]).ok(), "members,project\n5,estuary\n");
        let file = format!("{service}.parquet");
        select(&["-o", &file]).ok();
        let (batches, _) = read_parquet(&bench.path(&file));
        let schema = batches[0].schema();
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, ["members", "project"]);
        let wrong = bench.run(&[service, "sql", sql, "--columns", "member"]);
        wrong.fails(2, &["no column \"member\"", "project, chain, launched_on"]);
    }
    bench
        .run(&["dune", "sql", sql, "--columns", "project,project"])
        .fails(2, &["twice"]);
}

#[test]
fn a_result_without_rows_still_has_its_columns() {
    let bench = Bench::new();
    let sql = "SELECT project, members FROM projects WHERE members < 0";
    for service in ["dune", "lightdash", "yandex"] {
        assert_eq!(bench.run(&[service, "sql", sql]).ok(), "", "{service}");
        assert_eq!(
            bench.run(&[service, "sql", sql, "-f", "csv"]).ok(),
            "project,members\n",
            "{service}"
        );
        for extension in ["parquet", "csv", "arrow"] {
            let file = format!("{service}.{extension}");
            bench.run(&[service, "sql", sql, "-o", &file]).ok();
            if extension == "parquet" {
                let builder = ParquetRecordBatchReaderBuilder::try_new(
                    File::open(bench.path(&file)).unwrap(),
                )
                .unwrap();
                assert_eq!(
                    (
                        builder.schema().fields().len(),
                        builder.metadata().file_metadata().num_rows()
                    ),
                    (2, 0)
                );
            }
        }
    }
}

#[test]
fn limits_end_in_the_middle_of_a_page() {
    let bench = Bench::new();
    let sql = "SELECT project FROM trades";
    for service in ["dune", "lightdash", "yandex"] {
        let text = bench
            .run(&[service, "sql", sql, "--limit", "5", "--page-size", "3"])
            .ok();
        assert_eq!(text.lines().count(), 5, "{service}");
        bench
            .run(&[
                service,
                "sql",
                sql,
                "--limit",
                "5",
                "--page-size",
                "3",
                "-o",
                "x.parquet",
                "--force",
            ])
            .ok();
        assert_eq!(
            read_parquet(&bench.path("x.parquet"))
                .0
                .iter()
                .map(RecordBatch::num_rows)
                .sum::<usize>(),
            5
        );
    }
}

#[test]
fn rows_per_file_makes_a_directory_of_whole_files() {
    let bench = Bench::new();
    let sql = "SELECT trade_id FROM trades";
    let arguments = [
        "dune",
        "sql",
        sql,
        "-o",
        "trades/",
        "--rows-per-file",
        "20",
        "--row-group",
        "8",
        "--page-size",
        "7",
    ];
    bench.run(&arguments).ok();
    assert_eq!(bench.names(), ["trades"]);
    let mut rows = Vec::new();
    for number in 0..3 {
        let path = bench.path(&format!("trades/part-{number:05}.parquet"));
        let (batches, groups) = read_parquet(&path);
        rows.push((
            batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
            groups,
        ));
    }
    assert_eq!(rows, [(20, 3), (20, 3), (8, 1)]);
    // A finished directory is kept, and so is one with other files.
    bench
        .run(&arguments)
        .fails(13, &["is there already", "--force"]);
    let mut again = arguments.to_vec();
    again.push("--force");
    bench.run(&again).ok();
    std::fs::write(bench.path("trades/mine.txt"), "precious").unwrap();
    bench.run(&again).fails(13, &["other files"]);
    assert_eq!(bench.read("trades/mine.txt"), b"precious");
    bench
        .run(&["dune", "sql", sql, "-o", "d/", "-f", "csv"])
        .fails(2, &["directory"]);
}

#[test]
fn a_value_that_was_not_sent_is_an_error_and_not_null() {
    let bench = Bench::new();
    let scripted = ScriptedResult::new([("n", "Int32"), ("id", "Uuid")]).row(["1", "null"]);
    bench
        .sandbox
        .script_result(Service::YandexQuery, "SELECT ids", scripted)
        .unwrap();
    bench
        .run(&["yandex", "sql", "SELECT ids"])
        .fails(11, &["row 0", "\"id\"", "CAST(id AS Utf8)"]);
    assert_eq!(
        bench
            .run(&["yandex", "sql", "SELECT ids", "--columns", "n"])
            .ok(),
        "{\"n\":1}\n"
    );
}

#[test]
fn incompatible_flags_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let sql = "SELECT 1 AS n";
    for (rest, part) in [
        (&["--format", "parquet"][..], "-o FILE.parquet"),
        (&["-o", "x.txt"], "does not tell a format"),
        (&["-o", "x.csv", "--type", "n=text"], "--type"),
        (&["--type", "n=money"], "there is no type"),
        (&["--rows-per-file", "5"], "needs -o"),
        (&["--force"], "needs -o"),
        (&["-o", "x.csv", "-f", "table"], "a table is for people"),
        (&["--no-wait", "-o", "x.csv"], "cannot be used with"),
        (&["--timeout", "0s"], "the time is zero"),
        (&["--max-read-credits", "-1"], ""),
    ] {
        let mut arguments = vec!["dune", "sql", sql];
        arguments.extend(rest);
        bench.run(&arguments).fails(2, &[part]);
    }
    bench
        .run(&["lightdash", "sql", sql, "--max-read-credits", "1"])
        .fails(2, &["Dune"]);
    assert!(bench.sandbox.requests().is_empty());
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}

#[test]
fn events_are_json_lines_on_standard_error() {
    let bench = Bench::with(|sandbox| sandbox.poll_steps(1));
    let ran = bench.run(&[
        "--json",
        "dune",
        "sql",
        "SELECT * FROM trades",
        "-o",
        "t.parquet",
    ]);
    let events: Vec<Value> = ran
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["started", "state", "rows", "finished"]);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["rows"], &last["output"]),
        (&json!(48), &json!("t.parquet"))
    );
    assert!(
        last["read_credits"].is_number() && last["execution_credits"].is_number(),
        "{last}"
    );
    assert_eq!(ran.out, "");
    let wrong = bench.run(&["--json", "dune", "sql", "SELECT 1", "--no-such-flag"]);
    let error: Value = serde_json::from_str(&wrong.fails(2, &["--no-such-flag"])).unwrap();
    assert_eq!(
        (&error["kind"], &error["exit_code"]),
        (&json!("usage"), &json!(2))
    );
    let verbose = bench.run(&["-v", "dune", "sql", "SELECT 1 AS n"]);
    assert!(
        verbose.err.contains("rowfeed_call{") && verbose.err.contains("operation=\"execute_sql\""),
        "{}",
        verbose.err
    );
    assert!(!verbose.err.contains("hyper"), "{}", verbose.err);
    assert_eq!(verbose.ok(), "{\"n\":1}\n");
    let quiet = bench.run(&["-q", "dune", "sql", "SELECT 1 AS n", "-o", "q.csv"]);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}
