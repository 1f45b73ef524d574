use std::fmt;

use reqwest::StatusCode;

use super::{
    Attempt, CallError, CallErrorKind, Details, ServiceError, TransportError,
    foreign_body::{ForeignBody, SHOWN_BODY},
};
use crate::excerpt::{escaped, excerpt};

impl<E: ServiceError> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.details.write(self.message().as_deref(), f)
    }
}

/// No `source`: `Display` has the text of all causes, and a chain would show them twice.
impl<E: ServiceError> std::error::Error for CallError<E> {}

impl<E> fmt::Debug for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.details, f)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(None, f)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Shows no header and no query string either, since `unwrap` prints this.
impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("CallError");
        out.field("kind", &self.kind);
        if let Some(call) = &self.call {
            out.field("service", &call.service.name)
                .field("operation", &call.operation)
                .field("request", &format_args!("{} {}", call.method, call.url()))
                .field("attempts", &self.attempts)
                .field("history", &Waits(self.history.attempts()));
        }
        if let Some(status) = self.status {
            out.field("status", &status.as_u16())
                .field("body", &excerpt(&self.body, SHOWN_BODY));
        }
        if !self.text.is_empty() {
            out.field("text", &self.text);
        }
        if let Some(note) = &self.note {
            out.field("note", note);
        }
        out.finish_non_exhaustive()
    }
}

/// The most characters shown of a service's own message.
const SHOWN_MESSAGE: usize = 2000;

impl Details {
    fn write(&self, message: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = &self.call {
            write!(f, "{}: {}: ", call.service.name, call.operation)?;
        }
        if let Some(status) = self.status {
            write!(f, "{status}: ")?;
        }
        match self.kind {
            CallErrorKind::Api => match message {
                Some(message) => f.write_str(&escaped(message, SHOWN_MESSAGE))?,
                None => write!(f, "{}", ForeignBody(&self.headers, &self.body))?,
            },
            CallErrorKind::InvalidRequest => write!(f, "invalid request: {}", self.text)?,
            CallErrorKind::Credential => write!(f, "no usable credential: {}", self.text)?,
            _ => f.write_str(&self.text)?,
        }
        let is_lost = self.kind == CallErrorKind::Api && self.status == Some(StatusCode::NOT_FOUND);
        if let (Some(call), true, false) = (&self.call, is_lost, self.is_documented) {
            let (service, base_url) = (call.service.name, call.base_url());
            write!(
                f,
                "; this is not {service}'s own error, check the base URL {base_url}"
            )?;
        }
        if let Some(note) = &self.note {
            write!(f, "; {note}")?;
        }
        if let Some(call) = &self.call {
            let plural = if self.attempts == 1 { "" } else { "s" };
            // Show the whole URL of what was not found: it can be tried in a browser or with curl.
            let place = match is_lost {
                true => call.url(),
                false => call.path(),
            };
            let (method, attempts) = (&call.method, self.attempts);
            write!(f, " ({method} {place}, {attempts} attempt{plural}")?;
            if self.history.attempts().len() > 1 {
                write!(f, ": {}", self.history)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// The outcomes of the attempts with their waits, which a log line leaves out.
struct Waits<'a>(&'a [Attempt]);

impl fmt::Debug for Waits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for attempt in self.0 {
            let (number, waited) = (attempt.number(), attempt.waited());
            list.entry(&format_args!(
                "{number}: {attempt} after waiting {waited:?}"
            ));
        }
        list.finish()
    }
}
