//! The text form of faults.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Fault, ForcedState, Kind, PageFault};
use crate::service::Service;

/// The error for a text that is not a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultTextError(String);

impl fmt::Display for FaultTextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for FaultTextError {}

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, FaultTextError> {
        let mut words = text.split_whitespace();
        let first = words.next().ok_or_else(|| {
            FaultTextError("a fault needs at least one word, such as status=503".to_owned())
        })?;
        let mut fault = kind(first)?;
        let mut probability = None;
        let mut seed = 0;
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            fault = match key {
                "retry-after" if matches!(fault.kind, Kind::Answer(_)) => {
                    fault.header("Retry-After", value)
                }
                "on" => fault.on(service(value)?),
                "method" => fault.method(value),
                "path" => fault.path(value),
                "after" => fault.after(number(key, value)?),
                "times" => fault.times(number(key, value)?),
                "always" => fault.always(),
                "probability" => {
                    probability = Some(number(key, value)?);
                    fault
                }
                "seed" => {
                    seed = number(key, value)?;
                    fault
                }
                _ => {
                    return Err(FaultTextError(format!(
                        "{word:?} is not a condition of a fault: use on=, method=, path=, after=, \
                         times=, always, probability= and seed=, or retry-after= with status="
                    )));
                }
            };
        }
        Ok(match probability {
            Some(probability) => fault.probability(probability, seed),
            None => fault,
        })
    }
}

fn kind(word: &str) -> Result<Fault, FaultTextError> {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    let time = || number(key, value).map(Duration::from_millis);
    Ok(match key {
        "status" => Fault::status(status(key, value)?),
        "html" => Fault::html(status(key, value)?),
        "delay" => Fault::delay(time()?),
        "slow-body" => Fault::slow_body(time()?),
        "cut-body" => Fault::cut_body(number(key, value)?),
        "reset" => Fault::reset(),
        "empty-body" => Fault::empty_body(),
        "content-type" => Fault::content_type(value),
        "gzip" => Fault::gzip(),
        "repeat-page" => Fault::repeat_page(),
        "stuck-offset" => Fault::stuck_offset(),
        "clamp-limit" => Fault::clamp_limit(number(key, value)?),
        "swap-execution" => Fault::swap_execution(),
        "state-forever" => Fault::state_forever(),
        "state" => Fault::unknown_state(value),
        _ => {
            return Err(FaultTextError(format!(
                "{word:?} is not a fault: the first word must be status=CODE, html=CODE, delay=MS, \
                 slow-body=MS, cut-body=BYTES, reset, empty-body, content-type=TEXT, gzip, \
                 repeat-page, stuck-offset, clamp-limit=ROWS, swap-execution, state-forever or \
                 state=NAME"
            )));
        }
    })
}

fn status(key: &str, value: &str) -> Result<u16, FaultTextError> {
    match number(key, value)? {
        code @ 200..=599 => Ok(code),
        code => Err(FaultTextError(format!(
            "{key}= takes an HTTP status from 200 to 599, not {code}"
        ))),
    }
}

fn service(name: &str) -> Result<Service, FaultTextError> {
    Service::named(name).ok_or_else(|| {
        FaultTextError(format!(
            "on= takes dune, lightdash or yandex-query, not {name:?}"
        ))
    })
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, FaultTextError> {
    let failed = |_| FaultTextError(format!("{key}= takes a number, not {value:?}"));
    value.parse().map_err(failed)
}

impl Fault {
    /// Returns the text form of the fault, with its remaining counts.
    pub(crate) fn described(&self) -> String {
        let mut text = match &self.kind {
            Kind::Answer(answer) => {
                let retry = answer
                    .headers
                    .iter()
                    .find(|(name, _)| name == "Retry-After");
                let retry = retry.map(|(_, value)| format!(" retry-after={value}"));
                format!("status={}{}", answer.status, retry.unwrap_or_default())
            }
            Kind::Answers(answers) => format!("answers: {} left", answers.len()),
            Kind::Delay(by) => format!("delay={}", by.as_millis()),
            Kind::SlowBody(over) => format!("slow-body={}", over.as_millis()),
            Kind::CutBody(after) => format!("cut-body={after}"),
            Kind::Reset => "reset".to_owned(),
            Kind::EmptyBody => "empty-body".to_owned(),
            Kind::ContentType(text) => format!("content-type={text}"),
            Kind::Gzip => "gzip".to_owned(),
            Kind::RepeatPage => "repeat-page".to_owned(),
            Kind::Page(PageFault::StuckOffset) => "stuck-offset".to_owned(),
            Kind::Page(PageFault::ClampLimit(rows)) => format!("clamp-limit={rows}"),
            Kind::Page(PageFault::SwapExecution) => "swap-execution".to_owned(),
            Kind::State(ForcedState::Running) => "state-forever".to_owned(),
            Kind::State(ForcedState::Unknown(state)) => format!("state={state}"),
        };
        let mut word = |name: &str, value: &str| {
            text.push(' ');
            text.push_str(name);
            text.push_str(value);
        };
        if let Some(service) = self.service {
            word("on=", service.name());
        }
        if let Some(method) = &self.method {
            word("method=", method);
        }
        if let Some(path) = &self.path {
            word("path=", path);
        }
        if self.skip > 0 {
            word("after=", &self.skip.to_string());
        }
        match self.left {
            Some(left) => word("times=", &left.to_string()),
            None => word("always", ""),
        }
        if let Some(chance) = &self.chance {
            word("probability=", &chance.probability.to_string());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::fault::Fault;

    #[test]
    fn text_and_methods_build_the_same_faults() {
        let written: Fault = "status=429 retry-after=1 on=dune method=get path=/x after=2 times=3"
            .parse()
            .unwrap();
        let built = Fault::status(429)
            .header("Retry-After", "1")
            .on(crate::Service::Dune)
            .method("GET")
            .path("/x")
            .after(2)
            .times(3);
        assert_eq!(format!("{written:?}"), format!("{built:?}"));
        let written: Fault = "gzip always probability=0.5 seed=9".parse().unwrap();
        let built = Fault::gzip().always().probability(0.5, 9);
        assert_eq!(format!("{written:?}"), format!("{built:?}"));
        for (text, built) in [
            ("html=502", Fault::html(502)),
            ("cut-body=7", Fault::cut_body(7)),
            ("reset", Fault::reset()),
            ("empty-body", Fault::empty_body()),
            ("content-type=text/html", Fault::content_type("text/html")),
            ("repeat-page", Fault::repeat_page()),
            ("stuck-offset", Fault::stuck_offset()),
            ("clamp-limit=3", Fault::clamp_limit(3)),
            ("swap-execution", Fault::swap_execution()),
            ("state-forever", Fault::state_forever()),
            ("state=ODD", Fault::unknown_state("ODD")),
            (
                "slow-body=10",
                Fault::slow_body(std::time::Duration::from_millis(10)),
            ),
            (
                "delay=10",
                Fault::delay(std::time::Duration::from_millis(10)),
            ),
        ] {
            let written: Fault = text.parse().unwrap();
            assert_eq!(format!("{written:?}"), format!("{built:?}"), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_fault_gets_a_clear_error() {
        for (text, part) in [
            ("", "at least one word"),
            ("explode", "is not a fault"),
            ("status=99", "from 200 to 599"),
            ("status=x", "takes a number"),
            ("reset on=moon", "on= takes"),
            ("reset twice", "is not a condition"),
            ("reset retry-after=1", "is not a condition"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_text_of_a_fault_round_trips() {
        for text in [
            "status=429 retry-after=1 on=dune method=GET path=/results after=2 times=3",
            "delay=20 always",
            "slow-body=20 times=1",
            "cut-body=9 times=1",
            "reset times=1",
            "empty-body times=1",
            "content-type=text/html times=1",
            "gzip times=1",
            "repeat-page times=1",
            "stuck-offset on=lightdash times=1",
            "clamp-limit=5 times=1",
            "swap-execution times=1",
            "state-forever always",
            "state=MOON on=yandex-query always",
            "reset times=1 probability=0.25",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.described(), text);
        }
    }
}
