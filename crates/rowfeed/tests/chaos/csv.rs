//! Dune's CSV. Complete lines are the server's, and their number is the offset to resume from.

use rowfeed::{Error, dune::CsvExt as _};

use crate::{
    clients::Clients,
    dune::{CSV_HEADER, QUERY_ID, csv_line},
    ensure,
    fault::{Class, Kind},
    property::{Account, Checked},
    schedule::Schedule,
};

pub async fn check(clients: &Clients, schedule: &Schedule, account: &mut Account) -> Checked {
    // Whole lines, without the header.
    let mut lines: Vec<String> = Vec::new();
    // A latest result is resumed in the execution of its first page.
    let mut id = match schedule.class {
        Class::Csv => Some(clients.world.lock().unwrap().runs[0].id.clone()),
        _ => None,
    };
    for reading in 0.. {
        // A persistent wrong header line is not an error that can be counted.
        clients.world.lock().unwrap().is_calm |= reading > 20;
        let (text, end) = read(clients, schedule, id.as_deref(), lines.len()).await;
        let mut came = whole_lines(&text);
        match came.first() {
            Some(header) if *header == CSV_HEADER => {}
            // A first page has no page before it to compare with, so only the reader can check it.
            Some(_)
                if clients
                    .world
                    .lock()
                    .unwrap()
                    .met
                    .contains_key(&Kind::OtherHeader) =>
            {
                continue;
            }
            Some(header) => return Err(format!("the header line is {header:?}")),
            None => ensure!(
                end.is_err(),
                "it ended without an error and without a header line"
            ),
        }
        lines.extend(came.drain(..).skip(1));
        let run = lines.first().and_then(|line| line.split(',').nth(1));
        let run = run
            .map_or(Ok(0), str::parse)
            .map_err(|_| "a line without a run")?;
        for (n, line) in (0..).zip(&lines) {
            let wanted = csv_line(run, n);
            ensure!(
                *line == wanted,
                "line {n} is {line:?} instead of {wanted:?}"
            );
        }
        let Err(error) = end else { break };
        account.note(clients, schedule, &error)?;
        if id.is_none() {
            id = error.run_id().map(str::to_owned);
            if id.is_none() {
                lines.clear();
            }
        }
    }
    ensure!(
        lines.len() as u64 == schedule.total,
        "it ended without an error after {} of {} lines",
        lines.len(),
        schedule.total
    );
    Ok(())
}

/// The bytes that arrived, and how reading ended.
async fn read(
    clients: &Clients,
    schedule: &Schedule,
    id: Option<&str>,
    from: usize,
) -> (Vec<u8>, Result<(), Error>) {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let csv = match id {
        Some(id) => {
            let results = clients.dune.get_execution_results_csv();
            results.execution_id(id).offset(from).csv()
        }
        None => {
            let latest = clients.dune.get_latest_query_result_csv();
            latest.query_id(QUERY_ID).offset(from).csv()
        }
    };
    let mut csv = csv.page_size(schedule.page_size);
    let mut text = Vec::new();
    loop {
        match csv.try_next().await {
            Ok(Some(bytes)) => text.extend_from_slice(&bytes),
            Ok(None) => return (text, Ok(())),
            Err(error) => return (text, Err(error)),
        }
    }
}

/// The complete lines. A line break within quotes does not end a line.
fn whole_lines(text: &[u8]) -> Vec<String> {
    let (mut lines, mut line, mut is_quoted) = (Vec::new(), Vec::new(), false);
    for byte in text {
        line.push(*byte);
        is_quoted ^= *byte == b'"';
        if *byte == b'\n' && !is_quoted {
            lines.push(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    }
    lines
}
