//! NDJSON and CSV: one file that grows, cut back to what is safe when it is resumed.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    time::{Duration, Instant},
};

use super::{place::Place, state::State};
use crate::{
    args::RowArgs,
    error::{Failure, Kind, Result},
    fetch::Reading,
    output::TextWriter,
    progress::Amount,
};

pub(super) const FILE: &str = "rows";

/// The longest work that may have to be done again.
const SAVE_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn write(
    reading: &mut Reading<'_>,
    rows: &RowArgs,
    place: &Place,
    state: &mut State,
) -> Result<()> {
    let path = place.inside(FILE);
    let failure = |error: std::io::Error| Failure::file("writing", &path, &error);
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failure)?;
    let length = file.metadata().map_err(failure)?.len();
    if length < state.bytes {
        let message = format!(
            "{} has {length} bytes, and {} were written: it was changed",
            path.display(),
            state.bytes
        );
        return Err(Failure::new(Kind::Output, message).hint("--force starts again"));
    }
    file.set_len(state.bytes).map_err(failure)?;
    file.seek(SeekFrom::Start(state.bytes)).map_err(failure)?;
    let format = state.identity.layout.format;
    let mut writer = TextWriter::new(format, &rows.read.columns).resume(state.columns.clone());
    let mut buffer = Vec::new();
    let mut saved = Instant::now();
    let mut amount = Amount {
        rows: state.rows,
        total_rows: reading.total_rows,
        bytes: state.bytes,
        read_credits: None,
    };
    let mut read = async || {
        while let Some(page) = reading.next_page().await? {
            buffer.clear();
            writer.write(&page, &mut buffer)?;
            file.write_all(&buffer).map_err(failure)?;
            state.bytes += buffer.len() as u64;
            state.rows += page.len() as u64;
            state.cursor = Some(page.cursor());
            if state.columns.is_none() {
                state.columns = writer.names().map(<[String]>::to_vec);
            }
            if saved.elapsed() >= SAVE_EVERY {
                file.sync_data().map_err(failure)?;
                state.save(place)?;
                saved = Instant::now();
            }
            amount.rows = state.rows;
            amount.bytes = state.bytes;
            reading.report(amount);
        }
        Ok(())
    };
    let ended: Result<()> = read().await;
    if let Err(failure) = ended {
        // What has come is safe before the command ends, if there is room to say so.
        if file.sync_data().is_ok() {
            let _ = state.save(place);
        }
        return Err(failure);
    }
    buffer.clear();
    writer.begin(reading.columns(), &mut buffer)?;
    file.write_all(&buffer).map_err(failure)?;
    state.bytes += buffer.len() as u64;
    file.sync_all().map_err(failure)
}
