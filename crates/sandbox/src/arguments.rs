use std::time::Duration;

use rowfeed_sandbox::{Conversation, Fault, Sandbox, SandboxBuilder};

pub(crate) const USAGE: &str = "\
usage: rowfeed-sandbox [OPTION]...

  --listen ADDRESS:PORT           address to listen on (default 127.0.0.1:0, a free port)
  --until-stdin-closes            stop when standard input closes
  --poll-steps N                  polls before a run ends (default 2)
  --run-time SECONDS              shortest duration of a run
  --query-time-limit SECONDS      longest time that a SQL text may run (default 2)
  --max-page-rows N               largest page of every service
  --sample-rows N                 rows of the table trades (default 48)
  --results-lifetime SECONDS      time that a result can be read (default: always)
  --dune-requests-per-minute N    answer 429 above this rate (default: never)
  --token-lifetime SECONDS        lifetime of a token from the IAM service
  --replay FILE                   answer from a recorded conversation
  --fault TEXT                    a fault, such as 'status=429 retry-after=1
                                  on=dune times=2'; can be repeated
";

/// The memory in bytes that SQLite may use for queries and for tables that clients create.
const SQLITE_MEMORY: usize = 96 * 1024 * 1024;

/// The settings from the command line.
pub(crate) struct Arguments {
    pub(crate) builder: SandboxBuilder,
    pub(crate) faults: Vec<Fault>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) until_stdin_closes: bool,
}

impl Arguments {
    /// Returns `None` if the command line requests help.
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
                    format!("--listen takes ADDRESS:PORT, such as 127.0.0.1:8080, not {value:?}")
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
        // three copies of the sample data, and the memory for queries
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
    let wrong = |_| format!("{name} takes a whole number, not {value:?}");
    value.parse().map_err(wrong)
}

fn seconds(name: &str, value: &str) -> Result<Duration, String> {
    match value.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(time)) => Ok(time),
        _ => Err(format!("{name} takes a number of seconds, not {value:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn read(line: &str) -> Result<Option<Arguments>, String> {
        Arguments::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn arguments_parse_or_fail_with_a_message() {
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
            ("--results-lifetime soon", "takes a number of seconds"),
            ("--fault explode", "is not a fault"),
            ("--replay no/such/file", "--replay no/such/file"),
        ] {
            let message = read(line).err().unwrap_or_default();
            assert!(message.contains(part), "{line}: {message}");
        }
    }
}
