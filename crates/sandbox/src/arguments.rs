use std::time::Duration;

use rowfeed_sandbox::{Conversation, Fault, Sandbox, SandboxBuilder};

pub(crate) const USAGE: &str = "\
usage: rowfeed-sandbox [OPTION]...

  --listen ADDRESS:PORT           where to listen (default 127.0.0.1:0, a free port)
  --until-stdin-closes            end when standard input does
  --poll-steps N                  polls that find a run not at its end yet (default 2)
  --run-time SECONDS              how long a run takes at least
  --query-time-limit SECONDS      how long a SQL text may run (default 2)
  --max-page-rows N               largest page of every service
  --sample-rows N                 rows of the table trades (default 48)
  --results-lifetime SECONDS      how long a result can be read (default: always)
  --dune-requests-per-minute N    answer 429 beyond this many (default: never)
  --token-lifetime SECONDS        how long a token of the IAM service is good
  --replay FILE                   answer from a recorded conversation
  --fault TEXT                    what goes wrong, such as
                                  'status=429 retry-after=1 on=dune times=2'; can be repeated
";

/// Bytes that queries may take in SQLite, with the tables that clients make.
const SQLITE_MEMORY: usize = 96 * 1024 * 1024;

/// What the command line asks for.
pub(crate) struct Arguments {
    pub(crate) builder: SandboxBuilder,
    pub(crate) faults: Vec<Fault>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) until_stdin_closes: bool,
}

impl Arguments {
    /// `None` when only help is requested.
    pub(crate) fn read(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut builder = Sandbox::builder();
        let mut faults = Vec::new();
        let mut conversations = Vec::new();
        let mut until_stdin_closes = false;
        let mut sample_rows = 0;
        while let Some(argument) = given.next() {
            let name = argument.as_str();
            match name {
                "--help" | "-h" => return Ok(None),
                "--until-stdin-closes" => {
                    until_stdin_closes = true;
                    continue;
                }
                "--listen"
                | "--poll-steps"
                | "--run-time"
                | "--query-time-limit"
                | "--max-page-rows"
                | "--sample-rows"
                | "--results-lifetime"
                | "--dune-requests-per-minute"
                | "--token-lifetime"
                | "--replay"
                | "--fault" => {}
                other => return Err(format!("unknown argument {other:?}")),
            }
            let value = given.next().unwrap_or_default();
            builder = match name {
                "--listen" => builder.listen(value.parse().map_err(|_| {
                    format!("--listen wants ADDRESS:PORT such as 127.0.0.1:8080, not {value:?}")
                })?),
                "--poll-steps" => builder.poll_steps(number(name, &value)?),
                "--run-time" => builder.run_time(seconds(name, &value)?),
                "--query-time-limit" => builder.statement_time_limit(seconds(name, &value)?),
                "--max-page-rows" => builder.max_page_rows(number(name, &value)?),
                "--sample-rows" => {
                    sample_rows = number(name, &value)?;
                    builder.sample_rows(sample_rows)
                }
                "--results-lifetime" => builder.results_lifetime(seconds(name, &value)?),
                "--dune-requests-per-minute" => {
                    builder.dune_requests_per_minute(number(name, &value)?)
                }
                "--token-lifetime" => builder.yandex_token_lifetime(seconds(name, &value)?),
                "--replay" => {
                    let conversation = Conversation::load(&value);
                    let wrong = |error| format!("--replay {value}: {error}");
                    conversations.push(conversation.map_err(wrong)?);
                    builder
                }
                _ => {
                    faults.push(value.parse().map_err(|error| format!("--fault: {error}"))?);
                    builder
                }
            };
        }
        // three copies of the sample, and what queries take
        let memory = sample_rows
            .saturating_mul(1_024)
            .saturating_add(SQLITE_MEMORY);
        Ok(Some(Self {
            builder: builder.sqlite_memory_limit(memory),
            faults,
            conversations,
            until_stdin_closes,
        }))
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    let wrong = |_| format!("{name} wants a whole number, not {value:?}");
    value.parse().map_err(wrong)
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    match value.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(time)) => Ok(time),
        _ => Err(format!("{name} wants seconds, not {value:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn read(line: &str) -> Result<Option<Arguments>, String> {
        Arguments::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn arguments_are_read_or_explained() {
        assert!(matches!(read("--listen 127.0.0.1:0"), Ok(Some(_))));
        assert!(matches!(read("--until-stdin-closes"), Ok(Some(a)) if a.until_stdin_closes));
        assert!(matches!(read("--help"), Ok(None)));
        assert!(
            matches!(read("--fault reset --fault html=502"), Ok(Some(a)) if a.faults.len() == 2)
        );
        for (line, part) in [
            ("--listen 8080", "ADDRESS:PORT"),
            ("--what", "unknown argument"),
            ("--poll-steps", "whole number"),
            ("--results-lifetime soon", "wants seconds"),
            ("--fault explode", "is no fault"),
            ("--replay no/such/file", "--replay no/such/file"),
        ] {
            let message = read(line).err().unwrap_or_default();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
