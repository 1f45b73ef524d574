//! Parquet and Arrow: parts of a fixed number of rows, each a whole file of its own.
//!
//! Such a file cannot be read without its footer, so it cannot grow as text does. A part that is
//! whole is never written again.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use parquet::{arrow::ArrowWriter, file::properties::WriterPropertiesBuilder};
use rowfeed_snapshot::writer_properties;

use super::{layout::Layout, place::Place, state::State};
use crate::{
    args::{Compression, Format, RowArgs},
    error::{Failure, Kind, Result},
    fetch::Reading,
    progress::Amount,
};

/// The file of a part.
pub(super) fn path(place: &Place, number: usize) -> PathBuf {
    place.inside(&format!("part-{number:06}"))
}

pub(super) async fn write(
    reading: &mut Reading<'_>,
    rows: &RowArgs,
    place: &Place,
    state: &mut State,
) -> Result<()> {
    let layout = state.identity.layout.clone();
    let mut batches = reading.batches(&rows.read.columns, &rows.output.types);
    let mut part: Option<Part> = None;
    let mut amount = Amount {
        rows: state.rows,
        total_rows: reading.total_rows,
        bytes: 0,
        read_credits: None,
    };
    let mut finished = 0;
    for number in 0..state.parts.len() {
        finished += fs::metadata(path(place, number)).map_or(0, |metadata| metadata.len());
    }
    while let Some(mut batch) = reading.next_batch(&mut batches).await? {
        // An export that was resumed at the end of its result has nothing to add.
        if batch.num_rows() == 0 && !state.parts.is_empty() {
            continue;
        }
        // The end of this batch in the result.
        let end = batches.cursor();
        loop {
            let begin = part.as_ref().map_or(state.rows, |part| part.begin);
            let writer = match &mut part {
                Some(part) => part,
                none => none.insert(Part::begin(
                    place,
                    state.parts.len(),
                    state.rows,
                    &batch,
                    &layout,
                )?),
            };
            let room = layout.end_of_part(begin) - (begin + writer.rows);
            let fitting = usize::try_from(room)
                .unwrap_or(usize::MAX)
                .min(batch.num_rows());
            writer.write(&batch.slice(0, fitting))?;
            batch = batch.slice(fitting, batch.num_rows() - fitting);
            amount.rows = begin + writer.rows;
            amount.bytes = finished + writer.bytes();
            if writer.rows == layout.end_of_part(begin) - begin
                && let Some(part) = part.take()
            {
                let count = part.rows;
                finished += part.finish()?;
                state.parts.push(count);
                state.rows += count;
                state.cursor = end
                    .as_ref()
                    .map(|end| end.at(end.row() - batch.num_rows() as u64));
                state.save(place)?;
            }
            if batch.num_rows() == 0 {
                break;
            }
        }
        reading.report(amount);
    }
    // A result without rows has one batch, which tells the schema of the one part.
    if let Some(part) = part {
        let count = part.rows;
        part.finish()?;
        state.parts.push(count);
        state.rows += count;
        state.cursor = batches.cursor();
    }
    match state.parts.is_empty() {
        true => Err(
            Failure::usage("no row was requested, so that the columns are not known")
                .hint("take --limit 1 or more"),
        ),
        false => Ok(()),
    }
}

/// A part that is being written.
struct Part {
    begin: u64,
    rows: u64,
    writer: Writer,
    draft: PathBuf,
    path: PathBuf,
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<StreamWriter<BufWriter<File>>>),
}

impl Part {
    fn begin(
        place: &Place,
        number: usize,
        begin: u64,
        batch: &RecordBatch,
        layout: &Layout,
    ) -> Result<Self> {
        let path = path(place, number);
        let draft = path.with_extension("tmp");
        let file =
            File::create(&draft).map_err(|error| Failure::file("writing", &draft, &error))?;
        let writer = match layout.format {
            Format::Parquet => {
                let properties = properties(layout).build();
                let writer = ArrowWriter::try_new(file, batch.schema(), Some(properties));
                Writer::Parquet(Box::new(
                    writer.map_err(|error| parquet_failure(&draft, error))?,
                ))
            }
            _ => {
                let writer = StreamWriter::try_new_buffered(file, &batch.schema());
                Writer::Arrow(Box::new(
                    writer.map_err(|error| arrow_failure(&draft, error))?,
                ))
            }
        };
        Ok(Self {
            begin,
            rows: 0,
            writer,
            draft,
            path,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        match &mut self.writer {
            Writer::Parquet(writer) => writer
                .write(batch)
                .map_err(|error| parquet_failure(&self.draft, error)),
            Writer::Arrow(writer) => writer
                .write(batch)
                .map_err(|error| arrow_failure(&self.draft, error)),
        }
    }

    /// About how large it is.
    fn bytes(&self) -> u64 {
        match &self.writer {
            Writer::Parquet(writer) => (writer.bytes_written() + writer.in_progress_size()) as u64,
            Writer::Arrow(_) => fs::metadata(&self.draft).map_or(0, |metadata| metadata.len()),
        }
    }

    /// Ends the file and gives it its name. Returns its size.
    fn finish(self) -> Result<u64> {
        let Self {
            writer,
            draft,
            path,
            ..
        } = self;
        match writer {
            Writer::Parquet(writer) => {
                writer
                    .close()
                    .map_err(|error| parquet_failure(&draft, error))?;
            }
            Writer::Arrow(mut writer) => {
                writer
                    .finish()
                    .map_err(|error| arrow_failure(&draft, error))?;
                drop(writer);
            }
        }
        let finished = File::open(&draft).and_then(|file| {
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            file.metadata()
        });
        let metadata = finished.map_err(|error| Failure::file("writing", &path, &error))?;
        Ok(metadata.len())
    }
}

/// How Parquet is written, in the parts and in what is made of them.
pub(super) fn properties(layout: &Layout) -> WriterPropertiesBuilder {
    let compression = layout.compression.unwrap_or(Compression::None);
    writer_properties(compression.into(), layout.row_group)
}

pub(super) fn parquet_failure(path: &Path, error: parquet::errors::ParquetError) -> Failure {
    match error {
        parquet::errors::ParquetError::External(cause) => {
            match cause.downcast::<std::io::Error>() {
                Ok(error) => Failure::file("writing", path, &error),
                Err(cause) => {
                    Failure::new(Kind::Data, format!("the rows make no Parquet: {cause}"))
                }
            }
        }
        other => Failure::new(Kind::Data, format!("the rows make no Parquet: {other}"))
            .hint("write the column as text with --type COLUMN=text, or write NDJSON"),
    }
}

pub(super) fn arrow_failure(path: &Path, error: arrow_schema::ArrowError) -> Failure {
    match error {
        arrow_schema::ArrowError::IoError(_, error) => Failure::file("writing", path, &error),
        other => Failure::new(Kind::Data, format!("the rows make no Arrow file: {other}")),
    }
}
