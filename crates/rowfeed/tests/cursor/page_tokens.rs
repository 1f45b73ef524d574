//! A service with page tokens, read through a source outside of rowfeed. Each page is requested
//! only with the token from the previous page.

use std::sync::{Arc, Mutex};

use rowfeed::{
    Columns, Cursor, Error, ErrorKind, Page, Pages,
    source::{ColumnType, FetchOptions, FetchPlan, PageStart, RawRows, ResultId, Source},
};

const SERVICE: &str = "pages";
/// The rows of each page, and its token.
const PAGES: [(&str, &[u8]); 4] = [
    ("", &[0, 1, 2]),
    ("mint", &[3]),
    ("sage", &[]),
    ("thyme", &[4, 5]),
];

type Asked = Arc<Mutex<Vec<String>>>;

struct Paging {
    asked: Asked,
    token: Option<String>,
    /// Where the next page begins.
    row: u64,
    has_ended: bool,
}

fn pages(asked: &Asked) -> Pages {
    Pages::from_source(Paging {
        asked: Arc::clone(asked),
        token: None,
        row: 0,
        has_ended: false,
    })
}

impl Source for Paging {
    type Response = usize;
    type Page = Page;

    fn service(&self) -> &'static str {
        SERVICE
    }

    fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
        cursor.check(SERVICE, &ResultId::new("herbs"))?;
        if let Some(page) = cursor.page_start() {
            self.token = Some(page.token().to_owned());
            self.row = page.row();
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn plan(&mut self, options: &FetchOptions) -> Result<FetchPlan<usize>, Error> {
        if options.in_flight > 0 {
            return Ok(FetchPlan::Wait);
        }
        let token = self.token.clone().unwrap_or_default();
        let asked = Arc::clone(&self.asked);
        Ok(FetchPlan::Fetch(Box::pin(async move {
            let index = PAGES.iter().position(|page| page.0 == token);
            asked.lock().unwrap().push(token);
            index.ok_or_else(|| Error::new(ErrorKind::Expired, SERVICE, "there is no such page"))
        })))
    }

    fn accept(&mut self, _options: &FetchOptions, index: usize) -> Result<Option<Page>, Error> {
        let rows = PAGES[index].1;
        let token = |token: String, row| PageStart::new(token, row);
        let own = self.token.take().map(|own| token(own, self.row));
        let begin = self.row;
        self.row += rows.len() as u64;
        self.token = PAGES.get(index + 1).map(|page| page.0.to_owned());
        let next = self.token.clone().map(|next| token(next, self.row));
        self.has_ended = self.token.is_none();
        let rows: Vec<_> = rows.iter().map(|n| format!("[{n}]")).collect();
        let rows = RawRows::from_json(format!("[{}]", rows.join(","))).unwrap();
        let columns = Columns::lists([("n", "number", ColumnType::integer())]);
        let page = Page::new(SERVICE, ResultId::new("herbs"), begin, columns, rows);
        Ok(Some(page.with_page_starts(own, next)))
    }
}

/// The cursor after it has been stored and loaded.
fn stored(cursor: &Cursor) -> Cursor {
    let text = serde_json::to_string(cursor).unwrap();
    let again = serde_json::from_str(&text).unwrap();
    assert_eq!(*cursor, again);
    again
}

#[tokio::test]
async fn resuming_after_any_row_fetches_no_page_unnecessarily() {
    let first_asked = ["", "", "", "mint", "sage", "thyme", "thyme"];
    for read in 1..=6 {
        let asked = Asked::default();
        let mut rows = pages(&asked).rows::<u8>();
        for _ in 0..read {
            rows.try_next().await.unwrap().unwrap();
        }
        let cursor = stored(&rows.cursor().unwrap());
        assert_eq!(cursor.row(), read);
        asked.lock().unwrap().clear();

        let rest = pages(&asked).rows::<u8>().resume(&cursor);
        let rest: Vec<u8> = rest.try_collect().await.unwrap();
        let options: Vec<u8> = (0..6).skip(read as usize).collect();
        assert_eq!(rest, options, "after {read}");
        assert_eq!(
            asked.lock().unwrap()[0],
            first_asked[read as usize],
            "after {read}"
        );
    }
}

#[tokio::test]
async fn a_page_ends_where_the_next_begins() {
    let asked = Asked::default();
    let read = pages(&asked)
        .prefetch(2)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let tokens = read.iter().map(|page| page.cursor());
    let tokens: Vec<_> = tokens
        .map(|cursor| {
            cursor
                .page_start()
                .map(|page| (page.token().to_owned(), page.row()))
        })
        .collect();
    let place = |token: &str, row| Some((token.to_owned(), row));
    let options = [
        place("mint", 3),
        place("sage", 4),
        place("thyme", 4),
        place("thyme", 4),
    ];
    assert_eq!(tokens, options);
    assert_eq!(*asked.lock().unwrap(), ["", "mint", "sage", "thyme"]);

    for (index, page) in read.iter().enumerate() {
        let rest = pages(&asked).resume(&stored(&page.cursor()));
        let rest: Vec<u8> = rest.rows().try_collect().await.unwrap();
        let options = PAGES[index + 1..]
            .iter()
            .flat_map(|page| page.1.iter().copied());
        assert_eq!(rest, options.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_limited_page_has_a_cursor_within_itself() {
    let asked = Asked::default();
    let cut = pages(&asked).max_rows(2).try_next().await.unwrap().unwrap();
    assert_eq!((cut.cursor().row(), cut.cursor().page_start()), (2, None));
    let rest: Vec<u8> = pages(&asked)
        .rows()
        .resume(&cut.cursor())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rest, [2, 3, 4, 5]);
}

#[tokio::test]
async fn a_cursor_before_its_own_page_is_refused() {
    let asked = Asked::default();
    let cursor = pages(&asked).try_next().await.unwrap().unwrap().cursor();
    let error = pages(&asked)
        .resume(&cursor.at(1))
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let said = "before row 1, but its page begins with row 3";
    assert!(error.message().contains(said), "{error}");
}

#[test]
fn a_cursor_without_a_token_keeps_its_stored_form() {
    let text = serde_json::to_string(&Cursor::new("dune", ResultId::new("1"), 7)).unwrap();
    assert_eq!(text, r#"{"service":"dune","run":"1","row":7}"#);
}
