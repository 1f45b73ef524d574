//! The kinds of faults, and where each of them can happen.

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Start,
    Poll,
    /// Yandex Query's description of a query, with the number of its rows.
    Describe,
    Page,
    Csv,
    List,
    Cancel,
}

/// What a client does in a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Rows, one page after the other.
    Rows,
    /// Rows with prefetch, concurrent if possible.
    Prefetch,
    Pages,
    /// A run from its start to its last row.
    Run,
    /// Rows with filters, so that empty pages lie between others.
    Filtered,
    /// Dune's latest result of a query.
    Latest,
    /// The same, or a new run if the result is too old.
    MaxAge,
    Csv,
    LatestCsv,
    Queries,
    Datasets,
    Uploads,
    Views,
    Content,
    History,
    /// A run that is started and cancelled.
    Cancel,
}

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// What goes wrong with one request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($kind,)*
        }

        pub const KINDS: &[Kind] = &[$(Kind::$kind,)*];
    };
}

kinds! {
    // The connection.
    Reset, CutHead, CutBody, CutChunks, ShortLength, Stall, SlowBody, Chunked,
    // The response as a whole.
    TooMany, TooManyNow, TooManyForLong, Internal, BadGateway, Unavailable, GatewayTimeout,
    Unauthorized, Forbidden, NotFound, NotFoundHtml, NotFoundForeign, RedirectSame, RedirectOther, HtmlOk, EmptyOk, TruncatedJson,
    InvalidUtf8, GarbageGzip, Gzip,
    // The state of a run.
    Expired, UnknownState, UnknownEnd, GoesBack,
    // The credential in a response.
    EchoNotFound, EchoOk, EchoState, EchoFailure, EchoCell, EchoCutCell, EchoColumn, EchoRun,
    // The rows of a page, and its metadata.
    RepeatPage, SkipPage, EmptyPage, ClampedPage, SurplusRows, RowsDropped, RowsUnsaid, NullRows, NoResult,
    MissingCell, ExtraCell, BadCell, NextBack, NextSame, NextNegative, NextOverlap, NextGap,
    NextMissing, OtherRun, RunAgain, TotalChanges, AnnouncedMore, AnnouncedNone, OtherHeader,
}

use Kind::*;

/// Faults of a connection or of any HTTP service.
const ANYWHERE: &[Kind] = &[
    Reset,
    CutHead,
    CutBody,
    CutChunks,
    ShortLength,
    Stall,
    SlowBody,
    Chunked,
    TooMany,
    TooManyNow,
    TooManyForLong,
    Internal,
    BadGateway,
    Unavailable,
    GatewayTimeout,
    Unauthorized,
    Forbidden,
    NotFound,
    NotFoundHtml,
    NotFoundForeign,
    EchoNotFound,
    RedirectSame,
    RedirectOther,
    HtmlOk,
    EmptyOk,
    TruncatedJson,
    InvalidUtf8,
    GarbageGzip,
    Gzip,
];

/// A CSV page reports neither its number of rows nor its end. Rows that are missing at the end of a
/// complete HTTP response cannot be detected.
const UNSEEN_IN_CSV: &[Kind] = &[ShortLength, TruncatedJson, InvalidUtf8];

/// Faults that are errors whatever the page reports about the rows before and after it.
const FILTERED_PAGES: &[Kind] = &[
    Expired,
    UnknownState,
    GoesBack,
    NoResult,
    MissingCell,
    BadCell,
    RowsUnsaid,
    NextBack,
    NextSame,
    NextNegative,
    OtherRun,
];

/// The credential in a page, in places that every service has.
const ECHOES: &[Kind] = &[EchoOk, EchoCell, EchoCutCell, EchoColumn];

const DUNE_PAGES: &[Kind] = &[
    EchoState,
    EchoFailure,
    EchoRun,
    Expired,
    UnknownState,
    GoesBack,
    RepeatPage,
    SkipPage,
    EmptyPage,
    ClampedPage,
    SurplusRows,
    RowsDropped,
    RowsUnsaid,
    RowsUnsaid,
    NullRows,
    NoResult,
    MissingCell,
    ExtraCell,
    BadCell,
    NextBack,
    NextSame,
    NextNegative,
    NextOverlap,
    NextGap,
    NextMissing,
    OtherRun,
    TotalChanges,
];
const LIGHTDASH_PAGES: &[Kind] = &[
    EchoState,
    EchoFailure,
    EchoRun,
    Expired,
    UnknownState,
    GoesBack,
    RepeatPage,
    SkipPage,
    EmptyPage,
    SurplusRows,
    RowsDropped,
    NullRows,
    NoResult,
    MissingCell,
    ExtraCell,
    BadCell,
    NextBack,
    NextSame,
    NextNegative,
    NextGap,
    NextMissing,
    OtherRun,
    TotalChanges,
];
/// A page of Yandex Query does not report its position, so a page in place of another cannot be
/// detected.
const YANDEX_PAGES: &[Kind] = &[
    Expired,
    EmptyPage,
    ClampedPage,
    SurplusRows,
    NullRows,
    MissingCell,
    ExtraCell,
    BadCell,
];

impl Service {
    pub const ALL: [Self; 3] = [Self::Dune, Self::Lightdash, Self::YandexQuery];

    pub fn classes(self) -> &'static [Class] {
        use Class::*;
        match self {
            Self::Dune => &[
                Rows, Prefetch, Pages, Run, Filtered, Latest, MaxAge, Csv, LatestCsv, Queries,
                Datasets, Uploads, Views, Cancel,
            ],
            Self::Lightdash => &[Rows, Prefetch, Pages, Run, Content, History, Cancel],
            Self::YandexQuery => &[Rows, Prefetch, Pages, Run, Cancel],
        }
    }
}

impl Class {
    /// The requests that this class makes.
    pub fn ops(self, service: Service) -> &'static [Op] {
        let is_yandex = service == Service::YandexQuery;
        match self {
            Self::Rows | Self::Prefetch | Self::Pages if is_yandex => &[Op::Describe, Op::Page],
            Self::Rows | Self::Prefetch | Self::Pages | Self::Filtered | Self::Latest => {
                &[Op::Page]
            }
            Self::MaxAge => &[Op::Page, Op::Start, Op::Poll],
            Self::Run if is_yandex => &[Op::Start, Op::Poll, Op::Describe, Op::Page],
            Self::Run => &[Op::Start, Op::Poll, Op::Page],
            Self::Csv | Self::LatestCsv => &[Op::Csv],
            Self::Cancel => &[Op::Start, Op::Cancel],
            _ => &[Op::List],
        }
    }

    pub fn is_list(self) -> bool {
        self.ops(Service::Dune) == [Op::List]
    }
}

impl Kind {
    /// Whether this fault can happen to this request.
    pub fn fits(self, service: Service, class: Class, op: Op) -> bool {
        if ANYWHERE.contains(&self) {
            return op != Op::Csv || !UNSEEN_IN_CSV.contains(&self);
        }
        match op {
            Op::Start => self == EchoOk,
            Op::Cancel => false,
            // Yandex Query describes a failure in another response.
            Op::Poll if self == EchoFailure => service != Service::YandexQuery,
            Op::Poll => matches!(
                self,
                UnknownState | UnknownEnd | GoesBack | Expired | EchoOk | EchoState
            ),
            Op::Describe => matches!(
                self,
                UnknownState
                    | GoesBack
                    | Expired
                    | AnnouncedMore
                    | AnnouncedNone
                    | NoResult
                    | EchoOk
                    | EchoState
                    | EchoFailure
            ),
            Op::Page if class == Class::Filtered => FILTERED_PAGES.contains(&self),
            Op::Page if ECHOES.contains(&self) => true,
            Op::Page if self == RunAgain => class == Class::Latest,
            Op::Page => match service {
                Service::Dune => DUNE_PAGES.contains(&self),
                Service::Lightdash => LIGHTDASH_PAGES.contains(&self),
                Service::YandexQuery => YANDEX_PAGES.contains(&self),
            },
            Op::Csv if self == RunAgain => class == Class::LatestCsv,
            Op::Csv => matches!(
                self,
                Expired
                    | ClampedPage
                    | NextBack
                    | NextSame
                    | NextNegative
                    | OtherRun
                    | OtherHeader
                    | EchoOk
                    | EchoFailure
            ),
            Op::List => match class {
                Class::Uploads | Class::Views => matches!(
                    self,
                    RepeatPage | ClampedPage | NextBack | NextSame | NextNegative | NextOverlap
                ),
                Class::Content | Class::History => matches!(self, RepeatPage | SkipPage),
                // These pages do not report their position, and a list is not a snapshot: a page
                // without items ends it.
                _ => self == ClampedPage,
            },
        }
    }

    /// Whether the fault must go unnoticed, however often it happens.
    pub fn is_harmless(self, op: Op) -> bool {
        match self {
            SlowBody | Chunked | Gzip | ClampedPage | RunAgain => true,
            // A call that may have been carried out is not repeated for a redirect.
            RedirectSame => !matches!(op, Op::Start | Op::Cancel),
            _ => false,
        }
    }

    /// Whether waiting for a run continues after it.
    pub fn is_waited_out(self) -> bool {
        matches!(self, GoesBack | UnknownState)
    }

    /// Whether the response says that there is no result, so that a new run is needed.
    pub fn is_no_result(self) -> bool {
        matches!(self, NotFound | Expired | EchoFailure)
    }

    /// Whether the call is retried, so that the fault goes unnoticed if it happens less often than
    /// the call is attempted.
    pub fn is_retried(self, op: Op) -> bool {
        let is_told_at_once = matches!(
            self,
            TooMany
                | TooManyNow
                | Internal
                | BadGateway
                | Unavailable
                | GatewayTimeout
                | Reset
                | CutHead
        );
        match op {
            Op::Start | Op::Cancel => matches!(self, TooMany | TooManyNow),
            // The body is passed on as it arrives.
            Op::Csv => is_told_at_once,
            _ => is_told_at_once || matches!(self, CutBody | CutChunks),
        }
    }
}
