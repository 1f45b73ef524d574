//! The property: the returned rows are exactly the server's rows, in order, once. Otherwise there
//! is a typed error with the place to resume from, and resuming returns exactly the rest.

use std::{cmp::Ordering, collections::BTreeMap, error::Error as _};

use rowfeed::{Cursor, Error, ErrorKind};

use crate::{
    clients::{Attempts, Clients, Reader},
    csv, ensure,
    fault::{Class, Kind, Service},
    items,
    schedule::Schedule,
    world::{Row, World},
};

/// After this many errors, no more faults happen.
const PATIENCE: u32 = 6;
/// After this many more errors, something is wrong. On a slow machine, attempts may still time out.
const MORE_PATIENCE: u32 = 6;

/// Text that shows the credential: plain, escaped or truncated.
const SIGNS: [&str; 2] = ["chaos-cre", "credenti"];

/// Returns every text of an error.
fn everything(error: &Error) -> String {
    let mut shown = format!("{error} {error:#?} {:?}", error.run_id());
    if let Some(cell) = error.as_decode() {
        shown.push_str(&format!(" {cell} {cell:?}"));
    }
    if let Some(call) = error.as_call() {
        let body = String::from_utf8_lossy(call.body());
        shown.push_str(&format!(" {call:?} {:?} {body}", call.headers()));
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    shown
}

pub type Checked = Result<(), String>;

/// What happened in a schedule.
#[derive(Default)]
pub struct Account {
    pub errors: BTreeMap<String, u64>,
    pub met: BTreeMap<Kind, u64>,
    rounds: u32,
}

impl Account {
    /// Checks that this error is expected. After many errors, calms the world.
    pub fn note(&mut self, clients: &Clients, schedule: &Schedule, error: &Error) -> Checked {
        let kind = match error.as_call() {
            Some(call) => format!("{:?}: {:?}", error.kind(), call.kind()),
            None => format!("{:?}", error.kind()),
        };
        let shown = everything(error);
        ensure!(
            !error.message().is_empty(),
            "an error has no message: {error:?}"
        );
        ensure!(
            SIGNS.iter().all(|sign| !shown.contains(sign)),
            "an error shows the credential, or a part of it: {shown}"
        );
        let mut world = clients.world.lock().unwrap();
        // A query without a result set has none to read.
        ensure!(
            error.kind() != ErrorKind::InvalidRequest || world.met.contains_key(&Kind::NoResult),
            "resuming was refused: {error}"
        );
        // On a slow machine, an attempt may time out without a fault.
        let faults: u64 = world.met.values().sum();
        let is_late = error
            .as_call()
            .is_some_and(|call| call.is_timeout() || u64::from(call.attempts()) > faults);
        *self.errors.entry(kind).or_default() += 1;
        ensure!(
            !schedule.is_survivable() || is_late,
            "an error that a retry should have hidden: {error}"
        );
        ensure!(
            !world.is_calm || is_late,
            "an error after the last fault: {error}"
        );
        self.rounds += 1;
        ensure!(
            self.rounds < PATIENCE + MORE_PATIENCE,
            "too many errors: {error}"
        );
        world.is_calm = self.rounds >= PATIENCE;
        Ok(())
    }
}

/// Runs a schedule and checks the property.
pub async fn check(clients: &Clients, schedule: &Schedule, other: &str) -> Result<Account, String> {
    *clients.world.lock().unwrap() = World::new(schedule.clone(), other);
    let mut account = Account::default();
    match schedule.class {
        Class::Csv | Class::LatestCsv => csv::check(clients, schedule, &mut account).await?,
        Class::Cancel => check_cancel(clients, schedule, &mut account).await?,
        class if class.is_list() => items::check(clients, schedule, &mut account).await?,
        _ => check_rows(clients, schedule, &mut account).await?,
    }
    let world = clients.world.lock().unwrap();
    ensure!(
        world.violations.is_empty(),
        "{}",
        world.violations.join("; ")
    );
    account
        .met
        .extend(world.met.iter().map(|(kind, times)| (*kind, *times)));
    Ok(account)
}

async fn check_cancel(clients: &Clients, schedule: &Schedule, account: &mut Account) -> Checked {
    let mut attempts = Attempts::default();
    while let Err(error) = attempts.cancel(clients, schedule).await {
        account.note(clients, schedule, &error)?;
    }
    let world = clients.world.lock().unwrap();
    let run = attempts.id.as_deref().and_then(|id| world.run_of(id));
    let run = run.ok_or("a run that the server does not know was reported as cancelled")?;
    ensure!(
        world.runs[run].is_cancelled,
        "cancelled, and the server does not know of it"
    );
    check_bill(&world, &attempts)
}

/// A service bills each run.
fn check_bill(world: &World, attempts: &Attempts) -> Checked {
    ensure!(
        world.started <= attempts.starts,
        "{} runs were requested, but {} were started",
        attempts.starts,
        world.started
    );
    if world.schedule.class == Class::MaxAge && world.schedule.is_fresh {
        let met = world.met.iter().filter(|(kind, _)| kind.is_no_result());
        let reasons: u64 = met.map(|(_, times)| times).sum();
        ensure!(
            u64::from(world.started) <= reasons,
            "{} runs were started although there was a fresh result",
            world.started
        );
    }
    Ok(())
}

async fn check_rows(clients: &Clients, schedule: &Schedule, account: &mut Account) -> Checked {
    let mut reading = Reading {
        schedule,
        delivered: Vec::new(),
        cursor: None,
    };
    let mut attempts = Attempts::default();
    let mut stops = schedule.stops.clone();
    loop {
        let pages = match schedule.class {
            Class::Run | Class::MaxAge => match attempts.run(clients, schedule).await {
                Ok(run) => match &reading.cursor {
                    Some(cursor) => run.resume(cursor),
                    None => run.pages(),
                },
                Err(error) => {
                    ensure!(
                        attempts.id.is_none() || error.run_id() == attempts.id.as_deref(),
                        "the error of a run does not name it: {error}"
                    );
                    account.note(clients, schedule, &error)?;
                    continue;
                }
            },
            _ => {
                let id = clients.world.lock().unwrap().runs[0].id.clone();
                clients.pages(schedule, &id)
            }
        };
        let stop = stops.pop();
        match reading.read(pages, stop).await? {
            End::Complete => break,
            End::Stopped => {}
            End::Failed(error) => account.note(clients, schedule, &error)?,
        }
    }
    reading.check_complete()?;
    check_bill(&clients.world.lock().unwrap(), &attempts)
}

struct Reading<'a> {
    schedule: &'a Schedule,
    delivered: Vec<Row>,
    cursor: Option<Cursor>,
}

enum End {
    Complete,
    Stopped,
    Failed(Error),
}

impl Reading<'_> {
    fn count(&self) -> u64 {
        self.delivered.len() as u64
    }

    /// Whether this is the place of the next row, before or after filtered rows.
    fn stands_at(&self, row: u64) -> bool {
        let (start, size) = self.schedule.gap;
        match self.count().cmp(&start) {
            Ordering::Less => row == self.count(),
            Ordering::Equal => (start..=start + size).contains(&row),
            Ordering::Greater => row == self.count() + size,
        }
    }

    /// Continues from where the last read ended.
    async fn read(&mut self, pages: rowfeed::Pages, stop: Option<u64>) -> Result<End, String> {
        let left = self.schedule.max_rows.map(|most| most - self.count());
        let reader = Reader::new(self.schedule, pages, self.cursor.as_ref(), left);
        let end = match reader {
            Reader::Rows(rows) => self.read_rows(*rows, stop).await?,
            Reader::Pages(pages) => self.read_pages(*pages, stop).await?,
        };
        self.check_delivered()?;
        Ok(end)
    }

    async fn read_rows(
        &mut self,
        mut rows: rowfeed::Rows<Row>,
        stop: Option<u64>,
    ) -> Result<End, String> {
        let before = self.count();
        let end = loop {
            if stop == Some(self.count()) {
                break End::Stopped;
            }
            match rows.try_next().await {
                Ok(Some(row)) => self.delivered.push(row),
                Ok(None) => break End::Complete,
                Err(error) => {
                    let after = rows.try_next().await;
                    ensure!(
                        matches!(after, Ok(None)),
                        "an item follows the error {error}"
                    );
                    break End::Failed(error);
                }
            }
        };
        match rows.cursor() {
            Some(cursor) => self.keep(cursor)?,
            None => ensure!(
                self.count() == before,
                "rows were returned, but there is no cursor"
            ),
        }
        Ok(end)
    }

    async fn read_pages(
        &mut self,
        mut pages: rowfeed::Pages,
        stop: Option<u64>,
    ) -> Result<End, String> {
        loop {
            let page = match pages.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(End::Complete),
                Err(error) => return Ok(End::Failed(error)),
            };
            let rows = match page.rows::<Row>() {
                Ok(rows) => rows,
                Err(error) => return Ok(End::Failed(error)),
            };
            ensure!(
                self.stands_at(page.first_row()),
                "a page begins at row {}, after {} rows",
                page.first_row(),
                self.count()
            );
            self.delivered.extend(rows);
            self.keep(page.cursor())?;
            if stop.is_some_and(|stop| self.count() >= stop) {
                return Ok(End::Stopped);
            }
        }
    }

    /// Stores the cursor as text between two reads.
    fn keep(&mut self, cursor: Cursor) -> Checked {
        ensure!(
            self.stands_at(cursor.row()),
            "the cursor stands at row {}, after {} rows",
            cursor.row(),
            self.count()
        );
        let text = serde_json::to_string(&cursor).map_err(|error| error.to_string())?;
        self.cursor = Some(serde_json::from_str(&text).map_err(|error| error.to_string())?);
        Ok(())
    }

    fn check_delivered(&self) -> Checked {
        // The first page determines which run a latest result comes from.
        let run = self.delivered.first().map_or(0, |row| row.run);
        for (n, row) in (0..).zip(&self.delivered) {
            let wanted = Row::of(run, n);
            ensure!(*row == wanted, "row {n} is {row:?} instead of {wanted:?}");
        }
        let most = self.schedule.max_rows.unwrap_or(u64::MAX);
        ensure!(
            self.count() <= self.schedule.total.min(most),
            "{} rows were returned",
            self.count()
        );
        Ok(())
    }

    fn check_complete(&self) -> Checked {
        let most = self.schedule.max_rows.unwrap_or(u64::MAX);
        let wanted = self.schedule.total.min(most);
        ensure!(
            self.count() == wanted,
            "it ended without an error after {} of {wanted} rows",
            self.count()
        );
        Ok(())
    }
}

/// The name of the service's client, for output.
pub fn name(service: Service) -> &'static str {
    match service {
        Service::Dune => "dune",
        Service::Lightdash => "lightdash",
        Service::YandexQuery => "yandex-query",
    }
}
