//! The paging rule of Tides.
//!
//! - A page says whether more pages follow, but never the total. A short or empty page is not
//!   necessarily the last.
//! - The next page begins after the last reading of this page, which the page names. The service
//!   decides how many readings a page has, so each request waits for the previous response.
//! - All pages come from the snapshot of the first page, which later requests name. New readings do
//!   not shift any page.

use rowfeed::{
    Columns, Cursor, Error, ErrorKind, Page, Pages, RowsExt,
    source::{ColumnType, FetchOptions, FetchPlan, ResultId, Source},
};

use rowfeed_client::{ClientInfo as _, Masker};

use crate::{builder, types};

const SERVICE: &str = "tides";
/// The service's default page size.
const PAGE_SIZE: u32 = 100;
/// The service's maximum page size.
const MAX_PAGE_SIZE: u32 = 500;

impl RowsExt for builder::GetReadings {
    fn pages(self) -> Pages {
        let after = self
            .after
            .as_ref()
            .map(|after| u64::try_from(after.unwrap_or(0)));
        match after {
            Ok(Ok(next)) => Pages::from_source(Paging {
                next,
                has_ended: false,
                readings: self,
            }),
            Ok(Err(_)) => Pages::failed(invalid("`after` is negative")),
            Err(message) => Pages::failed(invalid(message)),
        }
    }
}

struct Paging {
    readings: builder::GetReadings,
    /// How many readings come before the next page.
    next: u64,
    has_ended: bool,
}

impl Source for Paging {
    type Response = types::Readings;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    /// The operation's `limit` is the total number of readings.
    fn limit(&self) -> Result<Option<u64>, Error> {
        let limit = self.readings.limit.as_ref().map_err(invalid)?;
        let limit = limit.map(u64::try_from).transpose();
        limit.map_err(|_| invalid("`limit` is negative"))
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        let asked = self.readings.snapshot.as_ref().map_err(invalid)?;
        let snapshot = asked.as_deref().unwrap_or(cursor.run_id());
        cursor.check(SERVICE, &self.result(snapshot)?)?;
        self.readings = self.readings.clone().snapshot(cursor.run_id());
        self.next = cursor.row();
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), Error> {
        let client = self.readings.client.with_fresh_connections();
        self.readings.client = client.map_err(|error| invalid(error.to_string()))?;
        Ok(())
    }

    fn masker(&self) -> Option<Masker> {
        Some(self.readings.client.inner().masker())
    }

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<types::Readings>, Error> {
        if let Some(size) = options.page_size.filter(|size| *size > MAX_PAGE_SIZE) {
            return Err(invalid(format!(
                "a page size of {size} was set; the service sends {MAX_PAGE_SIZE} at most"
            )));
        }
        if options.in_flight > 0 {
            return Ok(FetchPlan::Wait);
        }
        let limit = options.next_page_size(0, PAGE_SIZE).unwrap_or(1);
        let page = self.readings.clone().limit(limit.cast_signed());
        let page = page.after(self.next.cast_signed()).send();
        Ok(FetchPlan::Fetch(Box::pin(async move {
            let page = page
                .await
                .map_err(|error| Error::from_call(SERVICE, error))?;
            Ok(page.into_inner())
        })))
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn accept(
        &mut self,
        _options: &FetchOptions,
        page: types::Readings,
    ) -> Result<Option<Page>, Error> {
        let (first, rows) = (self.next, page.readings.count() as u64);
        let wrong = |why: String| {
            let why = format!("the page after reading {first} {why}");
            Err(Error::new(ErrorKind::Paging, SERVICE, why).with_run(&page.snapshot))
        };
        let asked = self
            .readings
            .snapshot
            .as_ref()
            .ok()
            .and_then(Option::as_ref);
        if let Some(asked) = asked.filter(|asked| **asked != page.snapshot) {
            return wrong(format!(
                "is of snapshot {}, but {asked} was requested",
                page.snapshot
            ));
        }
        if u64::try_from(page.after) != Ok(first + rows) {
            return wrong(format!("has {rows} readings but ends at {}", page.after));
        }
        if rows == 0 && page.more {
            return wrong("is empty and announces more: it would be requested again".into());
        }
        let result = self.result(&page.snapshot)?;
        let shown = Page::new(SERVICE, result, first, columns(&page), page.readings);
        self.readings = self.readings.clone().snapshot(page.snapshot);
        self.next = first + rows;
        self.has_ended = !page.more;
        Ok(Some(shown))
    }
}

impl Paging {
    /// The result that a snapshot identifies.
    fn result(&self, snapshot: &str) -> Result<ResultId, Error> {
        let station = self.readings.station.as_ref().map_err(invalid)?;
        Ok(ResultId::new(snapshot).with_shape(station.as_str()))
    }
}

fn columns(page: &types::Readings) -> Columns {
    let fields = page.fields.iter();
    Columns::lists(fields.map(|field| (&field.name, &field.type_, column_type(&field.type_))))
}

/// Maps the service's type names to column types. Values of an unknown type decode by their JSON.
fn column_type(name: &str) -> ColumnType {
    let element = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match (name, element) {
        (_, Some(element)) => ColumnType::list(column_type(element)),
        ("instant", _) => ColumnType::instant(),
        ("day", _) => ColumnType::date(),
        ("metres", _) => ColumnType::decimal(),
        ("count", _) => ColumnType::integer(),
        ("word", _) => ColumnType::text(),
        _ => ColumnType::undeclared(),
    }
}

fn invalid(message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::InvalidRequest, SERVICE, message.as_ref())
}
