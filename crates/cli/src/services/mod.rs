//! The services, behind one face: start a run, attach to one, cancel it, ask about it.

mod compile;
mod connect;
mod dune;
mod fields;
mod filter;
mod lightdash;
mod ls;
mod schema;
mod yandex;

use rowfeed::{RunHandle, RunRequest, dune::ByteStream};
use serde_json::{Map, Value};

pub(crate) use compile::lightdash_params;
pub(crate) use connect::test;
pub(crate) use dune::read_credits;
pub(crate) use lightdash::{ChartName, refuse_if_capped};
pub(crate) use ls::ls;
pub(crate) use schema::schema;

use crate::{
    args::{ApiArgs, Format, MetricArgs, RunIdArgs, ServiceName},
    context::Context,
    error::{Failure, Result},
    output::Listing,
    request::Request,
};

/// A client of a service, with the place there that runs belong to.
pub(crate) enum Connection {
    Dune(dune::Dune),
    Lightdash(lightdash::Lightdash),
    Yandex(yandex::Yandex),
}

impl Connection {
    /// Makes a client. Nothing is sent, but a credential command is run. `project` is what a flag
    /// says.
    pub(crate) async fn open(
        context: &Context,
        service: ServiceName,
        project: Option<&str>,
    ) -> Result<Self> {
        connect::open(context, service, project).await
    }

    /// Sends a request to any path, and returns the body of the response as it arrives.
    pub(crate) async fn request(
        &self,
        path: &str,
        args: &ApiArgs,
        body: Option<Vec<u8>>,
    ) -> Result<ByteStream> {
        macro_rules! send {
            ($client:expr, $failed:path) => {{
                let mut call = $client.request(&args.method, path);
                for (name, value) in &args.query {
                    call = call.query(name, value);
                }
                for (name, value) in &args.header {
                    call = call.header(name, value);
                }
                if let Some(body) = body {
                    call = call.body(&args.content_type, body);
                }
                if args.idempotent {
                    call = call.idempotent();
                }
                call.send_stream().await.map_err($failed)?.into_inner()
            }};
        }
        Ok(match self {
            Self::Dune(dune) => send!(dune.client, dune::failed),
            Self::Lightdash(lightdash) => send!(lightdash.client, lightdash::failed),
            Self::Yandex(yandex) => send!(yandex.client, yandex::failed),
        })
    }

    /// Starts what is requested, or finds it; `configure` sets how it is waited for.
    pub(crate) async fn start(
        &self,
        request: &Request,
        configure: impl Fn(RunRequest) -> RunRequest + Sync,
    ) -> Result<RunHandle> {
        match self {
            Self::Dune(dune) => dune.start(request, configure).await,
            Self::Lightdash(lightdash) => lightdash.start(request, configure).await,
            Self::Yandex(yandex) => yandex.start(request, configure).await,
        }
    }

    /// A run that was started before.
    pub(crate) fn attach(&self, id: &str) -> RunRequest {
        match self {
            Self::Dune(dune) => dune.attach(id),
            Self::Lightdash(lightdash) => lightdash.attach(id),
            Self::Yandex(yandex) => yandex.attach(id),
        }
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<()> {
        match self {
            Self::Dune(dune) => dune.cancel(id).await,
            Self::Lightdash(lightdash) => lightdash.cancel(id).await,
            Self::Yandex(yandex) => yandex.cancel(id).await,
        }
    }

    /// How far a run is.
    pub(crate) async fn status(&self, id: &str) -> Result<Listing> {
        match self {
            Self::Dune(dune) => dune.status(id).await,
            Self::Lightdash(lightdash) => lightdash.status(id).await,
            Self::Yandex(yandex) => yandex.status(id).await,
        }
    }

    /// How many bytes the service will send for the result, where it says so without being paid.
    pub(crate) async fn announced_bytes(&self, id: &str) -> Result<Option<u64>> {
        match self {
            Self::Dune(dune) => dune.announced_bytes(id).await,
            _ => Ok(None),
        }
    }

    /// What reading a megabyte costs; `None` where reading is free.
    pub(crate) fn credits_per_mb(&self) -> Option<f64> {
        match self {
            Self::Dune(dune) => Some(dune.credits_per_mb),
            _ => None,
        }
    }

    pub(crate) fn service(&self) -> ServiceName {
        match self {
            Self::Dune(_) => ServiceName::Dune,
            Self::Lightdash(_) => ServiceName::Lightdash,
            Self::Yandex(_) => ServiceName::Yandex,
        }
    }

    /// The project or folder that runs belong to.
    pub(crate) fn project(&self) -> Result<&str> {
        match self {
            Self::Dune(_) => Ok(""),
            Self::Lightdash(lightdash) => lightdash.project(),
            Self::Yandex(yandex) => Ok(&yandex.folder),
        }
    }

    /// Where the service is, for comparison with an export that was begun elsewhere.
    pub(crate) fn base_url(&self) -> &str {
        match self {
            Self::Dune(dune) => &dune.base_url,
            Self::Lightdash(lightdash) => &lightdash.base_url,
            Self::Yandex(yandex) => &yandex.base_url,
        }
    }
}

/// `rowfeed dune usage`.
pub(crate) async fn usage(
    context: &Context,
    from: Option<String>,
    to: Option<String>,
    format: Option<Format>,
) -> Result<()> {
    match Connection::open(context, ServiceName::Dune, None).await? {
        Connection::Dune(dune) => dune.show_usage(context, from, to, format).await,
        _ => Ok(()),
    }
}

/// The query of an explore that the arguments say.
pub(crate) async fn metric_query(
    connection: &Connection,
    args: &MetricArgs,
    params: Map<String, Value>,
    limit: Option<u64>,
) -> Result<Request> {
    match connection {
        Connection::Lightdash(lightdash) => {
            lightdash::metric_query(lightdash, args, params, limit).await
        }
        _ => Err(Failure::usage("only Lightdash has explores")),
    }
}

/// Prints the SQL of a query of an explore.
pub(crate) async fn print_sql(connection: &Connection, request: &Request) -> Result<()> {
    match connection {
        Connection::Lightdash(lightdash) => compile::print(lightdash, request).await,
        _ => Err(Failure::usage("only Lightdash has explores")),
    }
}

/// The service and the client for a run that was started before.
pub(crate) async fn of_run(context: &Context, run: &RunIdArgs) -> Result<Connection> {
    let service = run
        .service
        .or_else(|| ServiceName::of_run(&run.id))
        .ok_or_else(|| {
            Failure::usage(format!(
                "{:?} does not look like the id of any service's run",
                run.id
            ))
            .hint("name the service with --service")
        })?;
    let project = match service {
        ServiceName::Dune => None,
        ServiceName::Lightdash => run.project.project.as_deref(),
        ServiceName::Yandex => run.folder.folder.as_deref(),
    };
    Connection::open(context, service, project).await
}
