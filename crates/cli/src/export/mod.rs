//! Rows into files, so that an export that broke off is resumed and nothing is executed twice.
//!
//! Everything is in the directory `FILE.rowfeed` beside the file until the file is whole: the lock,
//! the state (what is run, the run's id, how far its rows have been written), and what has been
//! written. The file gets its name last.

mod layout;
mod merge;
mod parts;
mod place;
mod state;
mod text;

use std::path::Path;

use crate::{
    args::{Format, RowArgs},
    error::{Failure, Kind, Result},
    execute::Executor,
    fetch::{self, Announced, Ending, Reading},
    progress::Amount,
    text::count,
};

use layout::Layout;
use place::Place;
use state::{Phase, State};

/// Writes the rows of a request into a file or a directory.
pub(crate) async fn export(executor: &Executor<'_>, rows: &RowArgs, path: &Path) -> Result<()> {
    let layout = Layout::of(rows, path)?;
    let place = Place::open(path, layout.is_directory(), rows.output.force)?;
    let identity = state::Identity {
        base_url: identity_url(executor),
        request: executor.request.clone(),
        layout,
    };
    let mut state = match State::load(&place)? {
        Some(state) => state.continued(&identity, &place)?,
        None => {
            place.refuse_finished(rows.output.force)?;
            State::new(identity, rows.output.force)
        }
    };
    let written = write(executor, rows, &place, &mut state).await;
    match written {
        Ok(()) => Ok(()),
        Err(failure) => Err(after(failure, &place, &state)),
    }
}

/// The sandbox in this process has another port each time, and forgets its runs with it.
fn identity_url(executor: &Executor<'_>) -> String {
    match executor.context.global.sandbox {
        true => "sandbox".to_owned(),
        false => executor.connection.base_url().to_owned(),
    }
}

/// What is kept of an export that failed, and what to do.
fn after(failure: Failure, place: &Place, state: &State) -> Failure {
    let has_rows = state.rows > 0;
    // Nothing to resume: no run was started, or it has ended without rows.
    let is_void = match state.phase {
        Phase::Starting => {
            let may_run = failure.may_have_started && state.identity.request.executes();
            state.run_id.is_none() && !may_run
        }
        _ => failure.run_is_over && !has_rows,
    };
    if is_void {
        place.discard();
        return failure;
    }
    let Some(id) = &state.run_id else {
        return failure;
    };
    let failure = failure.run(id);
    match failure.kind {
        Kind::Expired | Kind::NotFound => failure.or_hint(|| {
            "the run cannot be read any more; --force discards what was written and starts another".to_owned()
        }),
        Kind::Statement | Kind::Cancelled => failure,
        _ => failure.and_hint(&format!(
            "the same command resumes after row {}, and does not execute again",
            count(state.rows)
        )),
    }
}

async fn write(
    executor: &Executor<'_>,
    rows: &RowArgs,
    place: &Place,
    state: &mut State,
) -> Result<()> {
    let ui = &executor.context.ui;
    let handle = match &state.run_id {
        Some(id) => {
            ui.note(&format!(
                "resuming run {id} after row {}",
                count(state.rows)
            ));
            executor.attach(id).await?
        }
        None => {
            state.save(place)?;
            let handle = executor.start().await?;
            state.run_id = Some(handle.id().to_owned());
            state.phase = Phase::Running;
            state.save(place)?;
            handle
        }
    };
    let run = executor.wait(handle).await?;
    let announced = Announced::of(executor, &run, rows).await?;
    if state.rows == 0 {
        announced.check(rows)?;
    }
    if !matches!(state.phase, Phase::Written | Phase::Finished) {
        let ahead = fetch::ahead(rows);
        let pages = fetch::pages(&run, rows, state.cursor.as_ref(), state.rows, ahead)?;
        let mut reading = Reading::new(executor, &run, pages, &announced, state.rows).bound(rows);
        match state.identity.layout.format {
            Format::Csv | Format::Ndjson => text::write(&mut reading, rows, place, state).await?,
            _ => parts::write(&mut reading, rows, place, state).await?,
        }
        state.phase = Phase::Written;
        state.save(place)?;
    }
    executor.reporter.clear();
    if state.phase == Phase::Written {
        match state.identity.layout.format {
            Format::Csv | Format::Ndjson => place.settle(&place.inside(text::FILE))?,
            _ => merge::settle(place, state)?,
        }
        state.phase = Phase::Finished;
        state.save(place)?;
    }
    place.finish(state.may_replace)?;
    let amount = Amount {
        rows: state.rows,
        total_rows: announced.rows,
        bytes: place.size(),
        read_credits: None,
    };
    let name = place.shown();
    let ending = Ending::File(&name);
    fetch::finish(executor, &run, &announced, amount, ending);
    Ok(())
}
