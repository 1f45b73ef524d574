//! The kinds of faults, and where each of them can happen.

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Dune,
    Lightdash,
    YandexQuery,
}

/// What a request is for.
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
    /// Rows one page after the other.
    Rows,
    /// Rows with pages fetched ahead, side by side where that can be.
    Prefetch,
    Pages,
    /// A run from its start to its last row.
    Run,
    /// Rows of which some are filtered out, so that pages without rows lie between others.
    Filtered,
    /// Dune's latest result of a query.
    Latest,
    /// The same, or a new run where it is too old.
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
    // The answer as a whole.
    TooMany, TooManyNow, TooManyForLong, Internal, BadGateway, Unavailable, GatewayTimeout,
    Unauthorised, Forbidden, NotFound, NotFoundHtml, NotFoundForeign, RedirectSame, RedirectOther, HtmlOk, EmptyOk, TruncatedJson,
    InvalidUtf8, GarbageGzip, Gzip,
    // The state of a run.
    Expired, UnknownState, UnknownEnd, GoesBack,
    // The credential, sent back.
    EchoNotFound, EchoOk, EchoState, EchoFailure, EchoCell, EchoCutCell, EchoColumn, EchoRun,
    // The rows of a page, and what is said of them.
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
    Unauthorised,
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

/// A CSV says neither how many rows it has nor where it ends: what is missing at the end of a page
/// that is complete as HTTP goes cannot be told from what was never there.
const UNSEEN_IN_CSV: &[Kind] = &[ShortLength, TruncatedJson, InvalidUtf8];

/// What a page is an error for, whatever is said of the rows before and after it.
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

/// The credential in a page, where every service has room for it.
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
/// A page of Yandex Query says nothing of its place: one page in the place of another cannot be
/// told.
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
    /// The requests that it makes.
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
    /// Whether it can happen to this request.
    pub fn fits(self, service: Service, class: Class, op: Op) -> bool {
        if ANYWHERE.contains(&self) {
            return op != Op::Csv || !UNSEEN_IN_CSV.contains(&self);
        }
        match op {
            Op::Start => self == EchoOk,
            Op::Cancel => false,
            // What has failed at Yandex Query is described by another answer.
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
                // These pages say nothing of their place, and a list is no snapshot: one without
                // items is its end.
                _ => self == ClampedPage,
            },
        }
    }

    /// Whether nobody should notice, however often it happens.
    pub fn is_harmless(self, op: Op) -> bool {
        match self {
            SlowBody | Chunked | Gzip | ClampedPage | RunAgain => true,
            // What may have been carried out is not repeated for a redirect.
            RedirectSame => !matches!(op, Op::Start | Op::Cancel),
            _ => false,
        }
    }

    /// Whether a run is waited for over it.
    pub fn is_waited_out(self) -> bool {
        matches!(self, GoesBack | UnknownState)
    }

    /// Whether an answer says that there is no result to read, so that a new run is needed.
    pub fn is_no_result(self) -> bool {
        matches!(self, NotFound | Expired | EchoFailure)
    }

    /// Whether a call that may be made again is made again, so that nobody notices if it happens
    /// less often than the call is attempted.
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
            // The body is handed on as it comes.
            Op::Csv => is_told_at_once,
            _ => is_told_at_once || matches!(self, CutBody | CutChunks),
        }
    }
}
