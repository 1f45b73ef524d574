//! Where the rows of a query go.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use arrow_array::RecordBatch;
use datafusion::{
    arrow::{
        datatypes::DataType,
        json::{
            LineDelimitedWriter, WriterBuilder,
            writer::{EncoderOptions, make_encoder},
        },
        util::{
            display::{ArrayFormatter, FormatOptions},
            pretty::pretty_format_batches_with_schema,
        },
    },
    common::DataFusionError,
    dataframe::DataFrame,
    parquet::{
        basic::{Compression as ParquetCompression, ZstdLevel},
        file::properties::WriterProperties,
    },
};
use futures_util::TryStreamExt as _;

use super::failed;
use crate::{
    args::{Compression, Format, SqlArgs},
    context::Context,
    error::{Failure, Kind, Result},
    output,
    progress::{Amount, Reporter},
    text::{counted, printable},
};

/// Where rows go, and in which format.
pub(super) struct Target {
    format: Format,
    path: Option<PathBuf>,
}

impl Target {
    /// Refuses what does not go together, before anything is sent.
    pub(super) fn of(args: &SqlArgs) -> Result<Self> {
        let Some(path) = &args.output else {
            let format = args.format.unwrap_or_else(output::usual_format);
            return match (format, args.force) {
                (Format::Parquet, _) => Err(Failure::usage(
                    "Parquet cannot be written to a pipe: its end names its parts",
                )
                .hint("write it with -o FILE.parquet, or take --format arrow")),
                (_, true) => Err(Failure::usage("--force needs -o FILE")),
                (format, false) => Ok(Self { format, path: None }),
            };
        };
        let extension = path.extension().and_then(|name| name.to_str());
        let by_name = match extension {
            Some("parquet") => Some(Format::Parquet),
            Some("csv") => Some(Format::Csv),
            Some("ndjson" | "jsonl") => Some(Format::Ndjson),
            Some("arrow") => Some(Format::Arrow),
            _ => None,
        };
        let Some(format) = args
            .format
            .or(by_name)
            .filter(|format| *format != Format::Table)
        else {
            let message = format!("{} has no format by its name", path.display());
            return Err(Failure::usage(message).hint("name it with --format"));
        };
        if path.exists() && !args.force {
            let message = format!("{} exists", path.display());
            return Err(Failure::new(Kind::Output, message).hint("--force replaces it"));
        }
        let path = Some(path.clone());
        Ok(Self { format, path })
    }
}

pub(super) async fn write(
    context: &Context,
    rows: DataFrame,
    target: &Target,
    args: &SqlArgs,
    reporter: &Reporter,
) -> Result<()> {
    let few = usize::try_from(output::FEW_ROWS).unwrap_or(usize::MAX);
    let limit = match (args.limit, target.format) {
        (None, Format::Table) => Some(few.saturating_add(1)),
        (limit, _) => limit,
    };
    let rows = match limit {
        Some(limit) => rows.limit(0, Some(limit)).map_err(failed)?,
        None => rows,
    };
    let written = match (target.format, &target.path) {
        (Format::Table, _) => {
            let most = args.limit.unwrap_or(few);
            return table(context, rows, most, reporter).await;
        }
        (Format::Parquet, Some(path)) => {
            let properties = WriterProperties::builder().set_compression(match args.compression {
                Compression::Zstd => ParquetCompression::ZSTD(ZstdLevel::default()),
                Compression::Snappy => ParquetCompression::SNAPPY,
                Compression::None => ParquetCompression::UNCOMPRESSED,
            });
            let properties = Some(properties.build());
            let written = rowfeed_datafusion::write_parquet(rows, path, properties).await;
            written.map_err(|error| unwritten(path, error))?
        }
        (_, None) => {
            // Rows and a moving line would share the screen, unless rows go into a file.
            if !output::is_file() {
                reporter.clear();
            }
            let out = BufWriter::new(io::stdout().lock());
            stream(rows, target.format, false, Out::Pipe(out), reporter)
                .await?
                .0
        }
        (_, Some(path)) => {
            let directory = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let mut builder = tempfile::Builder::new();
            builder.prefix(".rowfeed-");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                // As for any new file; the umask removes some of them.
                builder.permissions(std::fs::Permissions::from_mode(0o666));
            }
            let file = builder.tempfile_in(directory);
            let file = file.map_err(|error| unwritten(path, error.into()))?;
            let handle = file
                .reopen()
                .map_err(|error| unwritten(path, error.into()))?;
            let out = Out::File(BufWriter::new(handle), path.clone());
            let (count, out) = stream(rows, target.format, true, out, reporter).await?;
            out.sync()?;
            let kept = file.persist(path);
            kept.map_err(|error| unwritten(path, error.error.into()))?;
            count
        }
    };
    let seconds = reporter.elapsed().as_secs_f64();
    let rows = counted(written, "row");
    match &target.path {
        Some(path) => context
            .ui
            .note(&format!("{rows} in {}, {seconds:.1} s", path.display())),
        None => context.ui.detail(&format!("{rows}, {seconds:.1} s")),
    }
    Ok(())
}

fn unwritten(path: &Path, error: DataFusionError) -> Failure {
    match error.find_root() {
        DataFusionError::IoError(cause) => {
            let message = format!("{} cannot be written: {cause}", path.display());
            Failure::new(Kind::Output, message)
        }
        _ => failed(error),
    }
}

/// Writes at most `most` rows, and says whether there are more.
async fn table(context: &Context, rows: DataFrame, most: usize, reporter: &Reporter) -> Result<()> {
    let schema = std::sync::Arc::clone(rows.schema().inner());
    let mut batches = rows.collect().await.map_err(failed)?;
    let mut rest = most;
    let mut has_more = false;
    for batch in &mut batches {
        has_more |= batch.num_rows() > rest;
        *batch = batch.slice(0, batch.num_rows().min(rest));
        rest -= batch.num_rows();
    }
    let text = pretty_format_batches_with_schema(schema, &batches);
    let text = text.map_err(|error| failed(error.into()))?.to_string();
    reporter.clear();
    let mut out = io::stdout().lock();
    for line in text.lines() {
        // Values are the service's, and may have sequences that control a terminal.
        writeln!(out, "{}", printable(line)).map_err(|error| Failure::stdout(&error))?;
    }
    drop(out);
    let shown = counted((most - rest) as u64, "row");
    context.ui.note(&match has_more {
        true => format!("the first {shown}; --limit shows more, -o FILE saves them"),
        false => shown,
    });
    Ok(())
}

/// Standard output or a file.
enum Out<'a> {
    Pipe(BufWriter<io::StdoutLock<'a>>),
    File(BufWriter<File>, PathBuf),
}

impl Out<'_> {
    fn failure(&self, error: &io::Error) -> Failure {
        match self {
            Self::Pipe(_) => Failure::stdout(error),
            Self::File(_, path) => {
                let message = format!("{} cannot be written: {error}", path.display());
                Failure::new(Kind::Output, message)
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self {
            Self::Pipe(out) => out.write_all(bytes).and_then(|()| out.flush()),
            Self::File(out, _) => out.write_all(bytes),
        };
        written.map_err(|error| self.failure(&error))
    }

    fn sync(mut self) -> Result<()> {
        let synced = match &mut self {
            Self::Pipe(out) => out.flush(),
            Self::File(out, _) => out.flush().and_then(|()| out.get_ref().sync_all()),
        };
        synced.map_err(|error| self.failure(&error))
    }
}

/// Turns batches into bytes.
enum Encoder {
    Ndjson,
    Csv,
    Stream(arrow_ipc::writer::StreamWriter<Vec<u8>>),
    File(arrow_ipc::writer::FileWriter<Vec<u8>>),
}

async fn stream<'a>(
    rows: DataFrame,
    format: Format,
    is_file: bool,
    mut out: Out<'a>,
    reporter: &Reporter,
) -> Result<(u64, Out<'a>)> {
    let mut batches = rows.execute_stream().await.map_err(failed)?;
    let schema = batches.schema();
    let unfit = |error: datafusion::arrow::error::ArrowError| {
        Failure::new(Kind::Data, format!("the rows cannot be written: {error}"))
    };
    let mut encoder = match format {
        Format::Csv => Encoder::Csv,
        Format::Arrow if is_file => {
            let writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &schema);
            Encoder::File(writer.map_err(unfit)?)
        }
        Format::Arrow => {
            let writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &schema);
            Encoder::Stream(writer.map_err(unfit)?)
        }
        _ => Encoder::Ndjson,
    };
    if let Encoder::Csv = encoder {
        let names = schema.fields().iter().map(|field| field.name());
        let mut line = Vec::new();
        for (index, name) in names.enumerate() {
            if index > 0 {
                line.push(b',');
            }
            output::csv_field(name, &mut line);
        }
        line.extend_from_slice(b"\n");
        out.put(&line)?;
    }
    let began = Instant::now();
    let mut amount = Amount::default();
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        amount.rows += batch.num_rows() as u64;
        let bytes = encoder.encode(&batch).map_err(unfit)?;
        amount.bytes += bytes.len() as u64;
        out.put(&bytes)?;
        reporter.rows(amount, began.elapsed(), 0);
    }
    let rest = encoder.finish().map_err(unfit)?;
    out.put(&rest)?;
    Ok((amount.rows, out))
}

type Encoded = std::result::Result<Vec<u8>, datafusion::arrow::error::ArrowError>;

impl Encoder {
    fn encode(&mut self, batch: &RecordBatch) -> Encoded {
        match self {
            Self::Ndjson => {
                let builder = WriterBuilder::new().with_explicit_nulls(true);
                let mut writer: LineDelimitedWriter<Vec<u8>> = builder.build(Vec::new());
                writer.write(batch)?;
                writer.finish()?;
                Ok(writer.into_inner())
            }
            Self::Csv => csv(batch),
            Self::Stream(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::File(writer) => {
                writer.write(batch)?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    fn finish(self) -> Encoded {
        match self {
            Self::Ndjson | Self::Csv => Ok(Vec::new()),
            Self::Stream(mut writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::File(mut writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

/// CSV as elsewhere in this command: NULL is nothing, an empty text is "", nested values are JSON.
fn csv(batch: &RecordBatch) -> Encoded {
    let options = FormatOptions::default();
    let json = EncoderOptions::default();
    let schema = batch.schema();
    let mut cells: Vec<Vec<Option<String>>> = Vec::with_capacity(batch.num_columns());
    for (array, of) in batch.columns().iter().zip(schema.fields()) {
        let is_nested = matches!(
            array.data_type(),
            DataType::List(_) | DataType::LargeList(_) | DataType::Struct(_) | DataType::Map(..)
        );
        // A column of NULLs has no other sign of them.
        let nulls = array.logical_nulls();
        let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let rows = 0..batch.num_rows();
        cells.push(match is_nested {
            true => {
                let mut encoder = make_encoder(of, array.as_ref(), &json)?;
                rows.map(|row| {
                    let mut text = Vec::new();
                    (!is_null(row)).then(|| {
                        encoder.encode(row, &mut text);
                        String::from_utf8_lossy(&text).into_owned()
                    })
                })
                .collect()
            }
            false => {
                let texts = ArrayFormatter::try_new(array.as_ref(), &options)?;
                let text = |row| match is_null(row) {
                    true => Ok(None),
                    false => texts.value(row).try_to_string().map(Some),
                };
                rows.map(text).collect::<std::result::Result<_, _>>()?
            }
        });
    }
    let mut out = Vec::new();
    for row in 0..batch.num_rows() {
        for (index, column) in cells.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if let Some(text) = &column[row] {
                output::csv_field(text, &mut out);
            }
        }
        out.extend_from_slice(b"\n");
    }
    Ok(out)
}
