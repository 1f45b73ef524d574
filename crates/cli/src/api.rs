//! `rowfeed api`: a request to any path of a service.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use crate::{
    args::{ApiArgs, ServiceName},
    context::Context,
    error::{Failure, Result},
    services::Connection,
};

/// Sends the request, and writes the body of the response to standard output as it arrives.
pub(crate) async fn api(context: &Context, args: ApiArgs) -> Result<()> {
    let service = args
        .service
        .or_else(|| service_of(&args.path))
        .ok_or_else(|| {
            Failure::usage(format!("the path {:?} belongs to no service", args.path))
                .hint("name the service with --service")
        })?;
    // People paste paths with a query.
    let (path, query) = args.path.split_once('?').unwrap_or((&args.path, ""));
    if !query.is_empty() {
        return Err(Failure::usage("the path has a query")
            .hint("set each parameter with --query NAME=VALUE"));
    }
    let body = args.data.as_deref().map(read).transpose()?;
    let connection = Connection::open(context, service, None).await?;
    let mut stream = connection.request(path, &args, body).await?;
    let mut last = b'\n';
    while let Some(chunk) = stream.next_chunk().await {
        let chunk = chunk.map_err(|error| Failure::from(rowfeed::Error::from_call("", error)))?;
        let mut out = io::stdout().lock();
        out.write_all(&chunk)
            .map_err(|error| Failure::stdout(&error))?;
        last = chunk.last().copied().unwrap_or(last);
    }
    let mut out = io::stdout().lock();
    if last != b'\n' && out.is_terminal() {
        out.write_all(b"\n")
            .map_err(|error| Failure::stdout(&error))?;
    }
    out.flush().map_err(|error| Failure::stdout(&error))
}

fn service_of(path: &str) -> Option<ServiceName> {
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "v1" => Some(ServiceName::Dune),
        "api" => Some(ServiceName::Lightdash),
        "queries" => Some(ServiceName::Yandex),
        _ => None,
    }
}

fn read(data: &str) -> Result<Vec<u8>> {
    let unread = |what: &str, error: &io::Error| {
        Failure::usage(format!("the body {what} cannot be read: {error}"))
    };
    if data == "-" {
        let mut body = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut body);
        return read
            .map(|_| body)
            .map_err(|error| unread("on standard input", &error));
    }
    match data.strip_prefix('@') {
        Some(file) => std::fs::read(file).map_err(|error| unread(&format!("in {file}"), &error)),
        None => Ok(data.as_bytes().to_vec()),
    }
}
