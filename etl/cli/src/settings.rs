//! Settings: flags before environment before `connectwise-etl.toml` before `.env` before defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use connectwise_extract::contract::ExtraType;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::{KEY_VARIABLE, Privacy, PrivacyConfig};
use connectwise_extract::selection::Selection;
use connectwise_lakehouse::{Lake, Layout, NoName, StoreOptions, Tokens, memory_size};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::gold::{self, GoldConfig, OwnModels};
use connectwise_pipeline::tenant::{self, Tenant};
use connectwise_sdk::{Client, Observer};
use connectwise_storage::root;
use serde::Deserialize;
use url::Url;

use super::environment::Environment;
use super::output::Output;
use super::source::{Source, SourceArgs, SourceTable, file_path};
use super::terminal::Log;
use crate::error;

const FILE: &str = "connectwise-etl.toml";
/// Where the demo's tables are.
const DEMO_LAKEHOUSE: &str = "./demo-lakehouse";
/// Folder of the user's own gold models.
const MODELS: &str = "models";

/// Options of every command.
#[derive(Debug, Default, Args)]
pub(crate) struct Global {
    /// Folder or object-store URL (abfss://, s3://, gs://) of the lakehouse [default: ./lakehouse]
    ///
    /// Also CW_LAKEHOUSE, but for the demo, which has ./demo-lakehouse unless this option is given.
    #[arg(long, global = true, value_name = "PATH|URL")]
    pub(crate) lakehouse: Option<String>,
    /// Configuration file, also CW_ETL_CONFIG [default: connectwise-etl.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Memory that queries, models and loads may take together, for example 2GB, also CW_MEMORY [default: half of what there is]
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more: -v for steps, -vv for requests, -vvv for what libraries say
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// What `connectwise-etl.toml` may say. Unknown keys are errors: a typo must not pass for a default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    lakehouse: Option<String>,
    layout: Option<String>,
    memory: Option<String>,
    source: SourceTable,
    privacy: PrivacyConfig,
    load: LoadTable,
    silver: SilverTable,
    gold: GoldConfig,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|error| error::unread_configuration(path).with_source(error))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            // A text in the place of a number may be a credential that was written into the wrong line. toml 0.9 and serde 1 say only in
            // words that it is one.
            let why = match error.message().split_once(", expected ") {
                Some((found, expected)) if found.starts_with("invalid type: string") => {
                    format!("a text stands where there is to be {expected}")
                }
                _ => error.message().to_owned(),
            };
            error::wrong_configuration(path, line, &why)
        })
    }

    /// Checks what only the file says, and gives the policy that it holds and the columns that it adds to silver.
    fn check(&self) -> Result<(Privacy, ExtraColumns)> {
        self.gold.check()?;
        self.load.check()?;
        let extra = ExtraColumns::new(&self.silver.extra)?;
        let privacy = Privacy::with_columns(&self.privacy, extra.all())?;
        extra.check(&privacy)?;
        Ok((privacy, extra))
    }
}

/// Checks the text of a configuration file. Nothing is opened and nothing is asked.
///
/// # Errors
/// One sentence about what is wrong with it, with the line where that is known.
pub fn check_configuration(text: &str) -> Result<()> {
    let file = File::parse(Path::new(FILE), text)?;
    file.check()?;
    file.source.check()?;
    file.lakehouse.as_deref().map(root).transpose()?;
    file.layout.as_deref().map(layout).transpose()?;
    file.memory.as_deref().map(memory_size).transpose()?;
    let LoadTable { include, exclude, optional, .. } = file.load;
    Ok(Selection { include, exclude, optional }.entities().map(|_| ())?)
}

fn layout(text: &str) -> Result<Layout> {
    text.parse().map_err(|why: NoName| error::layout(&why))
}

/// What silver has beside the contract of its tables.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SilverTable {
    /// Types of columns for properties that the interface document lacks, by `Entity.path`.
    extra: BTreeMap<String, ExtraType>,
}

/// What is loaded, and how full loads go.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LoadTable {
    max_share: Option<f64>,
    chunk_rows: Option<usize>,
    staging_hours: Option<u32>,
    ranges: Option<usize>,
    refresh_requests: Option<u64>,
    refresh_days: Option<u32>,
    include: Vec<String>,
    exclude: Vec<String>,
    optional: Vec<String>,
}

impl LoadTable {
    fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(error::load_setting(what));
        if self.max_share.is_some_and(|share| !(0.0..=100.0).contains(&share)) {
            return wrong("max_share is between 0 and 100");
        }
        if self.chunk_rows == Some(0) {
            return wrong("chunk_rows is at least 1");
        }
        if self.ranges.is_some_and(|ranges| !(1..=16).contains(&ranges)) {
            return wrong("ranges is between 1 and 16");
        }
        if self.refresh_requests == Some(0) {
            return wrong("refresh_requests is at least 1");
        }
        if self.refresh_days.is_some_and(|days| !(1..=365).contains(&days)) {
            return wrong("refresh_days is between 1 and 365");
        }
        Ok(())
    }
}

/// The settings of one call.
pub struct Settings {
    lakehouse: String,
    demo_lakehouse: String,
    layout: Option<Layout>,
    /// Bytes, where something is said.
    memory: Option<u64>,
    pub(crate) source: Source,
    pub(crate) privacy: Privacy,
    pub(crate) extra: ExtraColumns,
    load: LoadTable,
    pub(crate) gold: GoldConfig,
    environment: Environment,
    /// Tokens that open the store, in place of the environment's credentials.
    tokens: Option<Arc<Tokens>>,
    /// Who is told of each request.
    observer: Option<Arc<dyn Observer>>,
    /// The configuration file, whether it is there or not.
    pub(crate) file: PathBuf,
}

impl Settings {
    /// Settings for a calling program: optional places of the lakehouse and the configuration file, and variables. The rest has
    /// the defaults of `connectwise-etl`.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) for an invalid value. The lakehouse isn't opened and no request is sent.
    pub fn new(lakehouse: Option<String>, config: Option<PathBuf>, environment: Environment) -> Result<Self> {
        let global = Global { lakehouse, config, ..Global::default() };
        Self::load(&global, environment)
    }

    pub(crate) fn load(global: &Global, environment: Environment) -> Result<Self> {
        let named = global.config.clone().or_else(|| environment.said("CW_ETL_CONFIG").map(PathBuf::from));
        let here = || Path::new(FILE).is_file().then(|| PathBuf::from(FILE));
        let config = named.or_else(here).or_else(|| environment.file("CW_ETL_CONFIG").map(PathBuf::from));
        let config = config.map(|path| file_path(&path, "configuration")).transpose()?;
        let file = config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let (privacy, extra) = file.check()?;
        let lakehouse = global.lakehouse.clone().or_else(|| environment.said("CW_LAKEHOUSE"));
        let lakehouse = lakehouse.or(file.lakehouse).or_else(|| environment.file("CW_LAKEHOUSE"));
        let layout_said = environment.said("CW_LAYOUT").or(file.layout).or_else(|| environment.file("CW_LAYOUT"));
        let memory = global.memory.clone().or_else(|| environment.said("CW_MEMORY"));
        let memory = memory.or(file.memory).or_else(|| environment.file("CW_MEMORY"));
        let memory = memory.as_deref().map(memory_size).transpose()?;
        let mut gold = file.gold;
        // The models stand beside the configuration, wherever that is.
        let project = config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        gold.models = OwnModels::read(&project.join(MODELS))?;
        Ok(Self {
            lakehouse: lakehouse.unwrap_or_else(|| "./lakehouse".to_owned()),
            // What is configured is a real lakehouse, so the demo goes there only when somebody says so on its command line.
            demo_lakehouse: global.lakehouse.clone().unwrap_or_else(|| DEMO_LAKEHOUSE.to_owned()),
            layout: layout_said.as_deref().map(layout).transpose()?,
            memory,
            source: Source::new(global.source.clone(), file.source, &environment)?,
            privacy,
            extra,
            load: file.load,
            gold,
            environment,
            tokens: None,
            observer: None,
            file: global.config.clone().unwrap_or_else(|| FILE.into()),
        })
    }

    /// The same settings, with tokens that open the store of the lakehouse in place of the environment's credentials.
    #[must_use]
    pub fn with_tokens(self, tokens: Tokens) -> Self {
        Self { tokens: Some(Arc::new(tokens)), ..self }
    }

    /// The same settings, for clients whose requests somebody watches.
    #[must_use]
    pub(crate) fn watched(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Where the lakehouse is. Nothing is opened.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when its path or URL is invalid.
    pub fn place(&self) -> Result<Url> {
        Ok(root(&self.lakehouse)?)
    }

    /// Whether a variable or the configuration file says where tables are below the lakehouse's root.
    pub fn has_layout(&self) -> bool {
        self.layout.is_some()
    }

    /// Where the demo writes, as somebody would type it.
    pub(crate) fn demo_place(&self) -> &str {
        &self.demo_lakehouse
    }

    pub(crate) fn demo_lake(&self) -> Result<Lake> {
        self.open(&self.demo_lakehouse)
    }

    /// The lakehouse.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when its path or URL is invalid, and when there are no credentials for its store.
    pub fn lake(&self) -> Result<Lake> {
        Ok(self
            .open(&self.lakehouse)?
            .with_layout(self.layout.unwrap_or_default())
            .with_stored_names(gold::stored_names(&self.gold)?))
    }

    /// The lakehouse, for a command that writes to it and asks no server.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when it belongs to another tenant than the configured one. Where none is configured it is anybody's.
    pub(crate) async fn own_lake(&self) -> Result<Lake> {
        let lake = self.lake()?;
        match self.foreign(&lake).await? {
            Some((owner, configured)) => Err(tenant::not_of(&lake, &owner, &configured)),
            None => Ok(lake),
        }
    }

    /// Says of a command that only reads a lakehouse whose that is, where it is another tenant's than the configured one.
    pub(crate) async fn note_foreign(&self, lake: &Lake, output: &Output) {
        if let Ok(Some((owner, configured))) = self.foreign(lake).await {
            output.note(&format!("this is the lakehouse of {owner}, and {configured} is configured"));
        }
    }

    /// The tenant that a lakehouse belongs to and the configured one, where they aren't the same.
    async fn foreign(&self, lake: &Lake) -> Result<Option<(Tenant, Tenant)>> {
        let Some((company, server)) = self.source.tenant(&self.environment)? else { return Ok(None) };
        let Some(owner) = tenant::owner(lake).await? else { return Ok(None) };
        // Without a server the company id alone tells.
        let configured = Tenant::new(&company, server.as_deref().unwrap_or(owner.tenant.server()));
        Ok((owner.tenant != configured).then_some((owner.tenant, configured)))
    }

    /// A lakehouse with the memory that is allowed.
    fn open(&self, location: &str) -> Result<Lake> {
        let options = StoreOptions::new(self.environment.stores()).with_tokens(self.tokens.clone());
        let lake = Lake::open_with(location, &options)?;
        self.memory.map_or(Ok(lake.clone()), |bytes| Ok(lake.with_memory(bytes)?))
    }

    /// The privacy policy, ready to build tables: with the key that its hashes need.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when the key is missing or too short.
    pub(crate) fn keyed_privacy(&self) -> Result<Privacy> {
        Ok(self.privacy.clone().with_key(self.environment.exactly(KEY_VARIABLE).as_deref())?)
    }

    /// Records per page.
    pub fn page_size(&self) -> u32 {
        self.source.page_size()
    }

    /// Which entities are loaded, and which of them may be missing.
    pub(crate) fn selection(&self) -> Selection {
        let LoadTable { include, exclude, optional, .. } = self.load.clone();
        Selection { include, exclude, optional }
    }

    /// How full loads go, where the command says no other share.
    pub(crate) fn options(&self, max_share: Option<f64>) -> Options {
        let default = Options::default();
        Options {
            max_share: max_share.or(self.load.max_share).unwrap_or(default.max_share),
            chunk_rows: self.load.chunk_rows.unwrap_or(default.chunk_rows),
            staging_hours: self.load.staging_hours.unwrap_or(default.staging_hours),
            ranges: self.load.ranges.unwrap_or(default.ranges),
            refresh_requests: self.load.refresh_requests,
            refresh_days: self.load.refresh_days,
        }
    }

    /// A client for the configured tenant.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config), one sentence that names what is missing.
    pub fn client(&self) -> Result<Client> {
        self.source.client(&self.environment, self.observer.clone())
    }
}

/// Crates of this project that log.
const CRATES: [&str; 5] =
    ["connectwise_etl", "connectwise_extract", "connectwise_lakehouse", "connectwise_pipeline", "connectwise_sdk"];

/// Logs to standard error; `RUST_LOG` decides when it is set. Gives what there is to say of rules that can't be read.
pub(crate) fn log(verbose: u8, rules: Option<&str>) -> Option<String> {
    let (others, own) = match verbose {
        // What fails is told by the steps themselves. What libraries call an error may be none: a table that isn't there yet, a
        // commit that another run was faster with.
        0 => ("off", "off"),
        1 => ("off", "info"),
        // Delta's kernel alone says six lines for each table that is opened.
        2 => ("warn", "debug"),
        _ => ("info", "debug"),
    };
    let default = CRATES.iter().fold(others.to_owned(), |rules, name| format!("{rules},{name}={own}"));
    let (rules, unread) = match rules.map(tracing_subscriber::EnvFilter::try_new) {
        Some(Ok(rules)) => (Some(rules), None),
        Some(Err(why)) => (None, Some(format!("warning: RUST_LOG has no effect, as it can't be read: {why}"))),
        None => (None, None),
    };
    let filter = rules.unwrap_or_else(|| default.as_str().into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Log::default)
        // What comes from data is cleaned in the whole event, where colours of our own would look like those of others.
        .with_ansi(false)
        .log_internal_errors(false)
        .try_init()
        // A program that calls this one logs in its own way.
        .ok();
    unread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_the_place_of_a_number_is_not_repeated() {
        let said = check_configuration("[source]\npage_size = \"geheim\"\n").unwrap_err().to_string();
        assert!(said.ends_with(": a text stands where there is to be u32"), "{said}");
    }
}
