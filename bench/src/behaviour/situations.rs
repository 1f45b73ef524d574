//! What happens to the contenders. Each situation is one that the services are known to make, or
//! that any network makes; where only some of them do, only those are asked.

use super::{
    job::Task,
    judge::{Expected, Place},
};
use crate::dataset::Service;

pub(crate) struct Situation {
    /// As it stands in the table.
    pub(crate) name: &'static str,
    pub(crate) services: &'static [Service],
    pub(crate) what: What,
}

/// What the contender is to do, and what goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Three pages of rows are read, with faults in the sandbox's words. `RESULTS` stands for the
    /// path of a page.
    Rows(&'static [&'static str]),
    /// The service keeps only the rows of the first page and a half.
    CutOff,
    /// Page after page of the latest result of a saved query, which somebody runs meanwhile.
    Replaced,
    /// The statement is wrong.
    Failing,
    /// The run stays in a state, in the sandbox's words, and the contender waits this
    /// long where it can be told.
    Stays(&'static str, Option<u64>),
    /// Values that a float does not hold.
    Digits,
    /// The key is not one of the service's: whether the error has what the service says to that.
    Refused,
    /// The same: whether the key is shown.
    Hidden,
}

use Service::{Dune, Lightdash, YandexQuery};

const ALL: &[Service] = &Service::ALL;

#[rustfmt::skip]
pub(crate) const SITUATIONS: &[Situation] = &[
    Situation { name: "three pages, nothing wrong", services: ALL, what: What::Rows(&[]) },
    Situation { name: "pages shorter than asked for", services: &[Dune],
        what: What::Rows(&["clamp-limit=300 always RESULTS"]) },
    Situation { name: "429 with Retry-After: 1, once", services: ALL,
        what: What::Rows(&["status=429 retry-after=1 after=1 RESULTS"]) },
    Situation { name: "503, once", services: ALL,
        what: What::Rows(&["status=503 after=1 RESULTS"]) },
    Situation { name: "an HTML page of a proxy with 502, once", services: ALL,
        what: What::Rows(&["html=502 after=1 RESULTS"]) },
    Situation { name: "a body cut in the middle, once", services: ALL,
        what: What::Rows(&["cut-body=2000 after=1 RESULTS"]) },
    Situation { name: "the connection reset, once", services: ALL,
        what: What::Rows(&["reset after=1 RESULTS"]) },
    Situation { name: "the result replaced between two pages", services: &[Dune], what: What::Replaced },
    Situation { name: "a page names itself as the next one, once", services: &[Dune, Lightdash],
        what: What::Rows(&["stuck-offset RESULTS"]) },
    Situation { name: "the page before comes again, once", services: ALL,
        what: What::Rows(&["repeat-page after=1 RESULTS"]) },
    Situation { name: "the result cut off by the service", services: &[Dune, YandexQuery],
        what: What::CutOff },
    Situation { name: "a statement that is wrong: what the error says", services: ALL, what: What::Failing },
    Situation { name: "a state that nobody knows", services: ALL, what: What::Stays("state=", None) },
    Situation { name: "a run without end", services: ALL, what: What::Stays("state-forever", None) },
    Situation { name: "the same, told to wait 3 s", services: ALL,
        what: What::Stays("state-forever", Some(3)) },
    Situation { name: "numbers that no float holds", services: ALL, what: What::Digits },
    Situation { name: "a wrong key: what the error says", services: ALL, what: What::Refused },
    Situation { name: "a wrong key: where it is shown", services: ALL, what: What::Hidden },
];

/// How many rows a page is asked to have, and has at most: what the official client of Yandex Query
/// asks for, which cannot be told otherwise.
pub(crate) const PAGE_SIZE: u32 = 1_000;

/// Three pages, the last of them half full.
pub(crate) const ROWS: u64 = 2_500;

impl What {
    pub(crate) fn task(self) -> Task {
        match self {
            Self::Replaced => Task::Latest,
            Self::Digits => Task::Digits,
            _ => Task::Run,
        }
    }

    pub(crate) fn wait_s(self) -> Option<u64> {
        match self {
            Self::Stays(_, limit) => limit,
            _ => None,
        }
    }

    /// The text of a fault for the sandbox.
    pub(crate) fn faults(self, service: Service) -> Vec<String> {
        let results = match service {
            Dune => "method=GET path=/results",
            // A poll is a page at Lightdash.
            Lightdash => "method=GET path=/query/",
            YandexQuery => "method=GET path=/results/",
        };
        match self {
            Self::Rows(faults) => faults
                .iter()
                .map(|fault| fault.replace("RESULTS", results))
                .collect(),
            // The path of the latest result: an execution's own stays what it is.
            Self::Replaced => vec!["swap-execution after=1 method=GET path=/query/".to_owned()],
            Self::Stays("state=", _) => vec![match service {
                Dune => "state=QUERY_STATE_DEFERRED".to_owned(),
                Lightdash => "state=deferred".to_owned(),
                YandexQuery => "state=DEFERRED".to_owned(),
            }],
            Self::Stays(fault, _) => vec![fault.to_owned()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn sql(self, service: Service) -> String {
        match (self, service) {
            (Self::Failing, _) => "select trade_id,\n  depth from trades",
            (Self::Digits, Lightdash) => "select trade_id, price from trades",
            (Self::Digits, _) => "select digits",
            // One number for all rows of a run.
            (Self::Replaced, _) => {
                "select trade_id, (select abs(random()) % 1000000007) as run \
                 from trades order by trade_id"
            }
            _ => "select trade_id from trades order by trade_id",
        }
        .to_owned()
    }

    pub(crate) fn wanted(self, service: Service, wrong_key: &str) -> Expected {
        match self {
            Self::Failing => Expected::Message {
                text: "no such column: depth".to_owned(),
                // Lightdash tells none.
                place: (service != Lightdash).then_some(Place { line: 2, column: 3 }),
            },
            Self::Digits => Expected::Digits(digits(service)),
            Self::Refused => Expected::Message {
                text: match service {
                    Dune => "invalid API Key",
                    Lightdash => "Personal access token is not recognised",
                    YandexQuery => "The token is invalid",
                }
                .to_owned(),
                place: None,
            },
            Self::Hidden => Expected::Hidden(wrong_key.to_owned()),
            _ => Expected::Rows(ROWS),
        }
    }
}

/// The values of the situation "digits", as the service sends them.
pub(crate) fn digits(service: Service) -> Vec<String> {
    let texts: &[&str] = match service {
        Dune => &[
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
            "12345678901234567890.123456789012345678",
            "9007199254740993",
        ],
        // A driver has made a float of the decimal before it is sent.
        Lightdash => &["9007199254740993", "0.125"],
        YandexQuery => &[
            "7",
            "1234567890123.123456789",
            "9007199254740993",
            "0.000000001",
        ],
    };
    texts.iter().map(|text| (*text).to_owned()).collect()
}
