//! `rowfeed dune upload`: rows of a file into a table.

use std::{
    fmt,
    fs::File,
    io::{BufRead as _, BufReader},
    marker::PhantomData,
    path::Path,
};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rowfeed::dune::{
    Client,
    insert::{InsertError, InsertErrorKind, InsertRows},
    types::UploadFormat,
};
use rowfeed_arrow::{BatchRow, BatchRows, InsertBatchesExt as _};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    args::{SendAs, UploadArgs},
    context::Context,
    error::{Failure, Kind, Result},
};

/// The rows of a file, or why they cannot be read.
type Rows = Box<dyn Iterator<Item = std::result::Result<Row, String>> + Send>;

/// A row of a file, in the form in which the file has it.
enum Row {
    Text(Cells<Option<String>>),
    Json(Cells<JsonCell>),
    Arrow(BatchRow),
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Text(row) => row.serialize(serializer),
            Self::Json(row) => row.serialize(serializer),
            Self::Arrow(row) => row.serialize(serializer),
        }
    }
}

/// The cells of a row by name, in the order of the file. A name that comes twice is kept twice, so that
/// the check of the row finds it.
struct Cells<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Cells<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, cell)| (name, cell)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Cells<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Cells<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a value for each column")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Cells(cells))
            }
        }

        from.deserialize_map(Object(PhantomData))
    }
}

/// A value of JSON with every digit: numbers are text, which columns of numbers read.
#[derive(Deserialize)]
#[serde(transparent)]
struct JsonCell(Box<RawValue>);

impl Serialize for JsonCell {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let json = self.0.get();
        let failed = serde::ser::Error::custom;
        match json.as_bytes().first() {
            Some(b'n') => serializer.serialize_none(),
            Some(b't') => serializer.serialize_bool(true),
            Some(b'f') => serializer.serialize_bool(false),
            Some(b'"') => {
                let text: String = serde_json::from_str(json).map_err(failed)?;
                serializer.serialize_str(&text)
            }
            _ => serializer.serialize_str(json),
        }
    }
}

/// Checks all rows of the file, and then writes them.
pub(crate) async fn upload(context: &Context, client: &Client, args: &UploadArgs) -> Result<()> {
    let named = args.table.split_once('.');
    let named = named
        .filter(|(owner, table)| !owner.is_empty() && !table.is_empty() && !table.contains('.'));
    let (owner, table) = named.ok_or_else(|| {
        Failure::usage(format!("{:?} is not a table name", args.table))
            .hint("name it with its owner: --table my_team.readings")
    })?;
    let make = || {
        let insert = client.insert_rows(owner, table).skip_rows(args.skip);
        configure(insert, args)
    };
    // The types are checked before the first byte, so the file is read twice.
    let mut unread = None;
    let rows = rows(&args.file)?.map_while(|row| match row {
        Ok(row) => Some(row),
        Err(said) => {
            unread = Some(said);
            None
        }
    });
    let checked = make()?.check(rows).await;
    if let Some(said) = unread {
        return Err(bad(&args.file, &said));
    }
    checked.map_err(|error| failed(&error))?;
    if args.check {
        context
            .ui
            .note("every row fits the table; nothing was written");
        return Ok(());
    }
    let ui = context.ui.clone();
    let mut insert = make()?.on_progress(move |progress| {
        ui.detail(&format!("{} rows are written", progress.rows_written));
    });
    if args.create {
        insert = insert.create_table();
    }
    let rows = crate::upload::rows(&args.file)?;
    let report = insert
        .write_fallible(rows)
        .await
        .map_err(|error| failed(&error))?;
    context.ui.note(&format!(
        "{} rows, {} bytes, {} calls",
        report.rows_written, report.bytes_written, report.batches
    ));
    Ok(())
}

fn configure(mut insert: InsertRows, args: &UploadArgs) -> Result<InsertRows> {
    if !args.columns.is_empty() {
        insert = insert.columns(args.columns.clone());
    } else if args.create && has_extension(&args.file, "parquet") {
        let file = open(&args.file)?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| bad(&args.file, &error.to_string()))?;
        insert = insert.columns_of_schema(reader.schema()).map_err(|error| {
            Failure::usage(error.to_string()).hint("declare each column with --column NAME=TYPE")
        })?;
    } else if args.create {
        return Err(Failure::usage("a table is created with columns")
            .hint("declare each with --column NAME=TYPE"));
    }
    if let Some(bytes) = args.batch_bytes {
        insert = insert.batch_bytes(bytes);
    }
    if args.send_as == SendAs::Csv {
        insert = insert.format(UploadFormat::Csv);
    }
    Ok(insert.parse_text())
}

fn rows(path: &Path) -> Result<Rows> {
    if has_extension(path, "csv") {
        return csv_rows(path);
    }
    if has_extension(path, "ndjson") || has_extension(path, "jsonl") {
        let lines = BufReader::new(open(path)?).lines();
        let rows = (1..).zip(lines).filter_map(|(number, line)| {
            let line = match line {
                Ok(line) if line.trim().is_empty() => return None,
                Ok(line) => line,
                Err(error) => return Some(Err(format!("line {number}: {error}"))),
            };
            let row = serde_json::from_str(&line).map(Row::Json);
            Some(row.map_err(|error| format!("line {number}: {error}")))
        });
        return Ok(Box::new(rows));
    }
    if has_extension(path, "parquet") {
        let reader = ParquetRecordBatchReaderBuilder::try_new(open(path)?)
            .and_then(|reader| reader.build())
            .map_err(|error| bad(path, &error.to_string()))?;
        let rows = reader.flat_map(|batch| -> Rows {
            match batch {
                Ok(batch) => Box::new(BatchRows::new(batch).map(|row| Ok(Row::Arrow(row)))),
                Err(error) => Box::new(std::iter::once(Err(error.to_string()))),
            }
        });
        return Ok(Box::new(rows));
    }
    Err(Failure::usage(format!(
        "the format of {} is not known by its name; expected .csv, .ndjson or .parquet",
        path.display()
    )))
}

/// The first line has the names; an empty field is NULL.
fn csv_rows(path: &Path) -> Result<Rows> {
    let mut reader = csv::Reader::from_reader(open(path)?);
    let names = reader.headers().cloned();
    let names = names.map_err(|error| bad(path, &error.to_string()))?;
    let rows = reader.into_records().map(move |record| {
        let record = record.map_err(|error| error.to_string())?;
        let fields = record.iter().map(|field| match field {
            "" => None,
            text => Some(text.to_owned()),
        });
        let names = names.iter().map(str::to_owned);
        Ok(Row::Text(Cells(names.zip(fields).collect())))
    });
    Ok(Box::new(rows))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| bad(path, &error.to_string()))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

fn bad(path: &Path, said: &str) -> Failure {
    Failure::usage(format!("{} cannot be read: {said}", path.display()))
}

fn failed(error: &InsertError) -> Failure {
    let kind = match error.kind() {
        InsertErrorKind::Row => Kind::Data,
        InsertErrorKind::InvalidRequest | InsertErrorKind::Source => Kind::Usage,
        _ => match error.call() {
            Some(call) if call.is_unauthorized() => Kind::Credential,
            Some(call) if call.is_not_found() => Kind::NotFound,
            Some(call) if call.is_retryable() => Kind::Unavailable,
            _ => Kind::Other,
        },
    };
    let failure = Failure::new(kind, error.to_string());
    match (error.unknown_rows(), error.rows_written()) {
        (Some(rows), _) => failure.hint(format!(
            "count the rows of the table: with --skip {} if the batch is there, with --skip {} if \
             it is not, the upload resumes",
            rows.end, rows.start
        )),
        (None, 0) => failure,
        (None, written) => failure.hint(format!("--skip {written} resumes the upload")),
    }
}
