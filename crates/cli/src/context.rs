//! What every command has: the global flags, standard error, the signal to end, the sandbox.

use rowfeed_sandbox::Sandbox;

use crate::{
    args::GlobalArgs,
    cache::Cache,
    error::{Failure, Kind, Result},
    interrupt::Interrupt,
    sandbox,
    stats::Stats,
    ui::Ui,
};

pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) ui: Ui,
    pub(crate) interrupt: Interrupt,
    pub(crate) cache: Cache,
    pub(crate) stats: Stats,
    /// Runs as long as the command.
    sandbox: Option<Sandbox>,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs, ui: Ui) -> Result<Self> {
        let sandbox = global.sandbox.then(sandbox::start_inside).transpose();
        let sandbox = sandbox.map_err(|error| {
            Failure::new(
                Kind::Other,
                format!("the sandbox cannot be started: {error}"),
            )
        })?;
        Ok(Self {
            global,
            ui,
            interrupt: Interrupt::listen(),
            cache: Cache::default(),
            stats: Stats::default(),
            sandbox,
        })
    }

    pub(crate) fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }
}
