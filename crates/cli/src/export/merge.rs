//! One file, or a directory of files, from parts.
//!
//! Row groups of Parquet are copied as they are, so that merging costs no more memory than a column of
//! one of them.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_ipc::{reader::StreamReader, writer::FileWriter};
use parquet::{
    column::writer::ColumnCloseResult,
    file::{
        metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader},
        writer::SerializedFileWriter,
    },
};

use super::{
    layout::Layout,
    parts::{self, arrow_failure, parquet_failure},
    place::Place,
    state::State,
};
use crate::{
    args::Format,
    error::{Failure, Result},
};

/// Makes the whole file, or the directory, of the parts.
pub(super) fn settle(place: &Place, state: &State) -> Result<()> {
    let layout = &state.identity.layout;
    let finished = place.finished();
    if !place.is_directory() {
        if finished.exists() {
            return Ok(());
        }
        let paths = (0..state.parts.len()).map(|number| parts::path(place, number));
        let merged = merge(
            &paths.collect::<Vec<_>>(),
            &place.inside("merged.tmp"),
            layout,
        )?;
        return place.settle(&merged);
    }
    match fs::create_dir(&finished) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::file("making", &finished, &error));
        }
        _ => {}
    }
    let (mut row, mut number) = (0, 0);
    let mut files: Vec<Vec<PathBuf>> = Vec::new();
    for rows in &state.parts {
        if layout.begins_file(row) || files.is_empty() {
            files.push(Vec::new());
        }
        if let Some(file) = files.last_mut() {
            file.push(parts::path(place, number));
        }
        row += rows;
        number += 1;
    }
    for (number, paths) in files.iter().enumerate() {
        let name = finished.join(format!("part-{number:05}.parquet"));
        // Killed while merging: this file is done.
        if paths.iter().all(|path| path.exists()) {
            let merged = merge(paths, &place.inside("merged.tmp"), layout)?;
            fs::rename(&merged, &name).map_err(|error| Failure::file("naming", &name, &error))?;
        }
    }
    Ok(())
}

/// Merges the files, and returns where the result is: a single one is good as it is.
fn merge(paths: &[PathBuf], draft: &Path, layout: &Layout) -> Result<PathBuf> {
    if let ([one], Format::Parquet) = (paths, layout.format) {
        return Ok(one.clone());
    }
    match layout.format {
        Format::Parquet => merge_parquet(paths, draft, layout)?,
        _ => merge_arrow(paths, draft)?,
    }
    let synced = File::open(draft).and_then(|file| file.sync_all());
    synced.map_err(|error| Failure::file("writing", draft, &error))?;
    Ok(draft.to_owned())
}

fn merge_parquet(paths: &[PathBuf], draft: &Path, layout: &Layout) -> Result<()> {
    let mut writer: Option<SerializedFileWriter<File>> = None;
    for path in paths {
        let failure = |error| parquet_failure(path, error);
        let input = File::open(path).map_err(|error| Failure::file("reading", path, &error))?;
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = reader.parse_and_finish(&input).map_err(failure)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(new_file(draft, &metadata, layout)?),
        };
        copy(&input, &metadata, writer).map_err(failure)?;
    }
    match writer {
        Some(writer) => writer
            .close()
            .map(drop)
            .map_err(|error| parquet_failure(draft, error)),
        None => Ok(()),
    }
}

fn new_file(
    draft: &Path,
    metadata: &ParquetMetaData,
    layout: &Layout,
) -> Result<SerializedFileWriter<File>> {
    let file = File::create(draft).map_err(|error| Failure::file("writing", draft, &error))?;
    let of_file = metadata.file_metadata();
    // The schema of Arrow is among the values of the first part.
    let properties =
        parts::properties(layout).set_key_value_metadata(of_file.key_value_metadata().cloned());
    let schema = of_file.schema_descr().root_schema_ptr();
    SerializedFileWriter::new(file, schema, Arc::new(properties.build()))
        .map_err(|error| parquet_failure(draft, error))
}

fn copy(
    input: &File,
    metadata: &ParquetMetaData,
    writer: &mut SerializedFileWriter<File>,
) -> parquet::errors::Result<()> {
    for (group_at, group) in metadata.row_groups().iter().enumerate() {
        let column_indexes = metadata
            .column_index()
            .and_then(|index| index.get(group_at));
        let offset_indexes = metadata
            .offset_index()
            .and_then(|index| index.get(group_at));
        let mut out = writer.next_row_group()?;
        for (at, column) in group.columns().iter().enumerate() {
            let closed = ColumnCloseResult {
                bytes_written: column.compressed_size().cast_unsigned(),
                rows_written: group.num_rows().cast_unsigned(),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: column_indexes.and_then(|index| index.get(at)).cloned(),
                offset_index: offset_indexes.and_then(|index| index.get(at)).cloned(),
            };
            out.append_column(input, closed)?;
        }
        out.close()?;
    }
    Ok(())
}

fn merge_arrow(paths: &[PathBuf], draft: &Path) -> Result<()> {
    let mut writer: Option<FileWriter<BufWriter<File>>> = None;
    for path in paths {
        let input = File::open(path).map_err(|error| Failure::file("reading", path, &error))?;
        let reader = StreamReader::try_new(BufReader::new(input), None)
            .map_err(|error| arrow_failure(path, error))?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                let file =
                    File::create(draft).map_err(|error| Failure::file("writing", draft, &error))?;
                let new = FileWriter::try_new_buffered(file, &reader.schema());
                none.insert(new.map_err(|error| arrow_failure(draft, error))?)
            }
        };
        for batch in reader {
            let batch = batch.map_err(|error| arrow_failure(path, error))?;
            writer
                .write(&batch)
                .map_err(|error| arrow_failure(draft, error))?;
        }
    }
    match writer {
        Some(mut writer) => writer.finish().map_err(|error| arrow_failure(draft, error)),
        None => Ok(()),
    }
}
