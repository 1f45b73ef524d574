//! The situations. Each one occurs at the services or on any network. A situation that only some
//! services have is run only for these.

use super::{
    job::Task,
    judge::{Expected, Place},
};
use crate::dataset::Service;

pub(crate) struct Situation {
    /// The name in the table.
    pub(crate) name: &'static str,
    pub(crate) services: &'static [Service],
    pub(crate) what: What,
}

/// The task of the contender, and the fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Reads three pages of rows with these faults of the sandbox. `RESULTS` stands for the path of
    /// a page.
    Rows(&'static [&'static str]),
    /// The service truncates the result to one and a half pages.
    CutOff,
    /// Reads the latest result of a saved query while somebody runs the query again.
    Replaced,
    /// The statement is invalid.
    Failing,
    /// The run stays in a state, given as a fault of the sandbox. The contender waits this long, if
    /// it has such a setting.
    Stays(&'static str, Option<u64>),
    /// Values that a float cannot represent.
    Digits,
    /// The key is invalid. Judges whether the error has the message of the service.
    Refused,
    /// The key is invalid. Judges whether the key is shown.
    Hidden,
}

use Service::{Dune, Lightdash, YandexQuery};

const ALL: &[Service] = &Service::ALL;

#[rustfmt::skip]
pub(crate) const SITUATIONS: &[Situation] = &[
    Situation { name: "three pages, nothing wrong", services: ALL, what: What::Rows(&[]) },
    Situation { name: "pages shorter than requested", services: &[Dune],
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
    Situation { name: "the previous page again, once", services: ALL,
        what: What::Rows(&["repeat-page after=1 RESULTS"]) },
    Situation { name: "the result truncated by the service", services: &[Dune, YandexQuery],
        what: What::CutOff },
    Situation { name: "an invalid statement: the error", services: ALL, what: What::Failing },
    Situation { name: "an unknown state", services: ALL, what: What::Stays("state=", None) },
    Situation { name: "a run that never ends", services: ALL, what: What::Stays("state-forever", None) },
    Situation { name: "the same, with a limit of 3 s", services: ALL,
        what: What::Stays("state-forever", Some(3)) },
    Situation { name: "numbers that no float can represent", services: ALL, what: What::Digits },
    Situation { name: "an invalid key: the error", services: ALL, what: What::Refused },
    Situation { name: "an invalid key: where it is shown", services: ALL, what: What::Hidden },
];

/// The requested and the largest page size: that of the official client of Yandex Query, which is
/// fixed.
pub(crate) const PAGE_SIZE: u32 = 1_000;

/// Three pages; the last one is half full.
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

    /// Returns the faults for the sandbox.
    pub(crate) fn faults(self, service: Service) -> Vec<String> {
        let results = match service {
            Dune => "method=GET path=/results",
            // At Lightdash, a poll requests a page.
            Lightdash => "method=GET path=/query/",
            YandexQuery => "method=GET path=/results/",
        };
        match self {
            Self::Rows(faults) => faults
                .iter()
                .map(|fault| fault.replace("RESULTS", results))
                .collect(),
            // The path of the latest result. The result of an execution does not change.
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
            // One random number per run.
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
                // Lightdash reports none.
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

/// Returns the values of [`What::Digits`] as the service sends them.
pub(crate) fn digits(service: Service) -> Vec<String> {
    let texts: &[&str] = match service {
        Dune => &[
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
            "12345678901234567890.123456789012345678",
            "9007199254740993",
        ],
        // The driver converts the decimal to a float.
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
