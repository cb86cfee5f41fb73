//! `auth-service quickstart`: everything that is needed to try it out, made in one folder, started with one
//! command and stopped with one key. It knows the registry as an operator does, by its configuration file
//! and its process.

mod configuration;
mod contents;
mod folder;
mod lines;
mod log;
mod probe;
mod program;
mod registry;
mod run;
mod template;

use std::io::Write as _;
use std::path::PathBuf;

use self::configuration::SERVICE_FILE;
use self::folder::DataFolder;
use self::lines::Announcement;
use self::log::RegistryLog;
use self::registry::Registry;
use crate::bootstrap::{Service, StopSignals};
use crate::telemetry::{self, LogFormat};

pub use self::configuration::Ports;
pub use self::registry::become_registry;

/// What quickstart was asked to do.
#[derive(Clone, Debug)]
pub struct Quickstart {
    /// The data folder.
    pub data: PathBuf,
    /// The ports, where they are not those of the last start.
    pub ports: Ports,
    /// The registry's program, if it is not to be looked for.
    pub registry: Option<PathBuf>,
    /// Print one JSON line instead of lines for people.
    pub json: bool,
}

impl Quickstart {
    /// Makes what is missing, starts everything, and serves until it is told to stop. Must run on the main
    /// thread, which the registry's life is tied to.
    pub async fn run(self) -> anyhow::Result<()> {
        let lines = telemetry::start(LogFormat::Text);
        // Whatever can be refused is refused before anything is made or started.
        let folder = DataFolder::open(&self.data)?;
        let program = program::find(self.registry.as_deref(), folder.path()).await?;
        let settings = configuration::settle(&folder, self.ports)?;
        let contents = contents::complete(&folder, &settings).await?;

        let service = Service::start(&settings).await?;
        let configuration = configuration::write_for_registry(&folder, &settings, service.operations)?;
        let log = RegistryLog::new(lines.writer(), configuration.secrets);
        let mut signals = StopSignals::take()?;
        let mut registry = Registry::start(&program, &configuration.file, &log)?;
        tokio::select! {
            answers = registry.answers(configuration.address, settings.token.realm.as_str()) => answers?,
            _ = signals.next() => return Ok(registry.kill().await?),
        }
        let project = tokio::select! {
            project = contents::project(&settings, contents.user.as_ref()) => project?,
            _ = signals.next() => return Ok(registry.kill().await?),
        };
        let (public, operations) = (service.public, service.operations);
        let this_program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("auth-service"));
        run::serve(service, registry, signals, settings.http.drain, || {
            let announcement = Announcement {
                service: public,
                operations,
                host: &settings.registry.host,
                data: folder.path(),
                configuration: &folder.join(SERVICE_FILE),
                program: &this_program,
                contents: &contents,
                project,
            };
            print(&announcement, self.json);
        })
        .await?;
        tracing::info!("stopped");
        Ok(())
    }
}

fn print(announcement: &Announcement, json: bool) {
    let text = if json { announcement.json() + "\n" } else { announcement.text() + "\n" };
    // Whoever started it may read elsewhere; that nobody reads here is no failure.
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}
