//! Where the API is and how it is asked: flags before environment before file before `.env` before the SDK's defaults.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser};
use connectwise_pipeline::error::Result;
use connectwise_sdk::{Client, Config, MAX_PAGE_SIZE, Observer, RetryPolicy};
use connectwise_storage::local_path;
use serde::Deserialize;

use super::environment::Environment;
use crate::error;

/// Options of every command that asks the API.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "How the API is asked")]
pub(crate) struct SourceArgs {
    /// Certificates (PEM) that are trusted beside the usual ones: those of a server of your own
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Most requests started in a second [default: 16; 0 = no limit]
    #[arg(long, global = true, hide_short_help = true, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// Most requests under way at once [default: 4]
    #[arg(long, global = true, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: Option<u16>,
    /// Records a page, 1 to 1000 [default: 1000]
    #[arg(long, global = true, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    page_size: Option<u32>,
    /// Longest time to find the server and connect to it, in seconds [default: 4]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    connect_timeout: Option<u64>,
    /// Longest silence of the server, in seconds [default: 60]
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    read_timeout: Option<u64>,
    /// How often a request is tried in all before it counts as failed, 1 to 20 [default: 8]
    #[arg(long, global = true, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: Option<u32>,
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        _ => Err("a rate is a number of requests a second, 0 for no limit".to_owned()),
    }
}

/// The same options as variables give them.
const VARIABLES: [(&str, &str); 7] = [
    ("CW_CA_FILE", "--ca-file"),
    ("CW_RATE", "--rate"),
    ("CW_CONCURRENCY", "--concurrency"),
    ("CW_PAGE_SIZE", "--page-size"),
    ("CW_CONNECT_TIMEOUT", "--connect-timeout"),
    ("CW_READ_TIMEOUT", "--read-timeout"),
    ("CW_ATTEMPTS", "--attempts"),
];

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct FromVariables {
    #[command(flatten)]
    args: SourceArgs,
}

impl SourceArgs {
    /// What variables say, read as the options are.
    fn from(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut line = Vec::new();
        for (name, option) in VARIABLES {
            let Some(value) = lookup(name) else { continue };
            let option = format!("{option}={value}");
            if FromVariables::try_parse_from([&option]).is_err() {
                return Err(error::variable(name, option_name(&option)));
            }
            line.push(option);
        }
        let parsed = FromVariables::try_parse_from(line).map(|parsed| parsed.args);
        parsed.map_err(|_| error::variables())
    }

    /// These, and the others where these say nothing.
    fn or(self, other: Self) -> Self {
        Self {
            ca_file: self.ca_file.or(other.ca_file),
            rate: self.rate.or(other.rate),
            concurrency: self.concurrency.or(other.concurrency),
            page_size: self.page_size.or(other.page_size),
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
            read_timeout: self.read_timeout.or(other.read_timeout),
            attempts: self.attempts.or(other.attempts),
        }
    }
}

fn option_name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

/// The table `[source]` of the file. Secrets are only read from the environment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SourceTable {
    base_url: Option<String>,
    site: Option<String>,
    company: Option<String>,
    client_id: Option<String>,
    api_version: Option<String>,
    ca_file: Option<PathBuf>,
    rate: Option<f64>,
    concurrency: Option<u16>,
    page_size: Option<u32>,
    connect_timeout: Option<u64>,
    read_timeout: Option<u64>,
    attempts: Option<u32>,
    overlap_minutes: Option<u32>,
    most_records: Option<u64>,
}

impl SourceTable {
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) for a value that can't be.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |name: &str, why: &str| Err(error::source_setting(name, why));
        if self.rate.is_some_and(|rate| !rate.is_finite() || rate < 0.0) {
            return wrong("rate", "it is a number of requests a second, 0 for no limit");
        }
        if self.concurrency.is_some_and(|requests| !(1..=64).contains(&requests)) {
            return wrong("concurrency", "it is 1 to 64");
        }
        if self.page_size.is_some_and(|size| !(1..=MAX_PAGE_SIZE).contains(&size)) {
            return wrong("page_size", "it is 1 to 1000");
        }
        for (name, seconds) in [("connect_timeout", self.connect_timeout), ("read_timeout", self.read_timeout)] {
            if seconds.is_some_and(|seconds| !(1..=3600).contains(&seconds)) {
                return wrong(name, "it is 1 to 3600 seconds");
            }
        }
        if self.attempts.is_some_and(|attempts| !(1..=20).contains(&attempts)) {
            return wrong("attempts", "it is 1 to 20");
        }
        if self.overlap_minutes.is_some_and(|minutes| minutes > 60 * 24 * 31) {
            return wrong("overlap_minutes", "it is at most 44640, which is a month");
        }
        if self.most_records == Some(0) {
            return wrong("most_records", "it is at least 1");
        }
        Ok(())
    }
}

/// How the API is asked.
#[derive(Debug)]
pub(crate) struct Source {
    args: SourceArgs,
    file: SourceTable,
}

impl Source {
    /// Puts flags, variables and file together.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when the variables or the file say what can't be.
    pub(crate) fn new(args: SourceArgs, file: SourceTable, environment: &Environment) -> Result<Self> {
        file.check()?;
        let args = args.or(SourceArgs::from(|name| environment.said(name))?);
        let below = SourceArgs::from(|name| environment.file(name))?;
        let file = SourceTable {
            ca_file: file.ca_file.or(below.ca_file),
            rate: file.rate.or(below.rate),
            concurrency: file.concurrency.or(below.concurrency),
            page_size: file.page_size.or(below.page_size),
            connect_timeout: file.connect_timeout.or(below.connect_timeout),
            read_timeout: file.read_timeout.or(below.read_timeout),
            attempts: file.attempts.or(below.attempts),
            ..file
        };
        Ok(Self { args, file })
    }

    /// Records a page.
    pub(crate) fn page_size(&self) -> u32 {
        self.args.page_size.or(self.file.page_size).unwrap_or(MAX_PAGE_SIZE)
    }

    /// Minutes before the watermark that incremental runs read again.
    pub(crate) fn overlap_minutes(&self) -> Option<u32> {
        self.file.overlap_minutes
    }

    /// A client for the configured tenant.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config), one sentence that names what is missing.
    pub(crate) fn client(&self, environment: &Environment, observer: Option<Arc<dyn Observer>>) -> Result<Client> {
        let config = self.config(environment)?;
        let config = observer.into_iter().fold(config, Config::with_observer);
        Client::new(config).map_err(error::client)
    }

    /// The company that is configured, and its server where one is, for commands that need no credentials.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config), one sentence that names the setting which is wrong.
    pub(crate) fn tenant(&self, environment: &Environment) -> Result<Option<(String, Option<String>)>> {
        let (company, server) = self.layered(environment, Config::company_and_server)?;
        Ok(company.map(|company| (company, server)))
    }

    /// What the SDK reads of the places where settings are, that which counts most first.
    fn layered<T>(
        &self,
        environment: &Environment,
        read: impl FnOnce(&[&dyn Fn(&'static str) -> Option<String>]) -> connectwise_sdk::Result<T>,
    ) -> Result<T> {
        let file = &self.file;
        let in_file = |name: &'static str| match name {
            "CW_BASE_URL" => file.base_url.clone(),
            "CW_SITE" => file.site.clone(),
            "CW_COMPANY" => file.company.clone(),
            "CW_CLIENTID" => file.client_id.clone(),
            _ => None,
        };
        // The caller's variables are a layer of their own, so they needn't use the same names as the process.
        let given = |name| environment.given(name);
        let process = |name| environment.process(name);
        read(&[&given, &process, &in_file, &|name| environment.file(name)]).map_err(error::client)
    }

    fn config(&self, environment: &Environment) -> Result<Config> {
        let Self { args, file } = self;
        let mut config = self.layered(environment, Config::from_layers)?.with_page_size(self.page_size());
        let version = environment.said("CW_API_VERSION").or_else(|| file.api_version.clone());
        if let Some(version) = version.or_else(|| environment.file("CW_API_VERSION")) {
            config = config.with_version(&version).map_err(error::client)?;
        }
        if let Some(path) = args.ca_file.as_ref().or(file.ca_file.as_ref()) {
            let path = file_path(path, "file of certificates")?;
            let pem = std::fs::read(&path).map_err(|error| error::certificates(&path).with_source(error))?;
            config = config.with_root_certificates(&pem).map_err(error::client)?;
        }
        if let Some(rate) = args.rate.or(file.rate) {
            config = config.with_rate((rate > 0.0).then_some(rate));
        }
        if let Some(requests) = args.concurrency.or(file.concurrency) {
            config = config.with_concurrency(usize::from(requests));
        }
        if let Some(seconds) = args.connect_timeout.or(file.connect_timeout) {
            config = config.with_connect_timeout(Duration::from_secs(seconds));
        }
        if let Some(seconds) = args.read_timeout.or(file.read_timeout) {
            config = config.with_read_timeout(Duration::from_secs(seconds));
        }
        if let Some(max_attempts) = args.attempts.or(file.attempts) {
            config = config.with_retry(RetryPolicy { max_attempts, ..RetryPolicy::default() });
        }
        if let Some(records) = file.most_records {
            config = config.with_most_records(records);
        }
        Ok(config)
    }
}

/// A file that a setting names.
///
/// # Errors
/// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when it can't be a path of this machine.
pub(crate) fn file_path(path: &Path, what: &str) -> Result<PathBuf> {
    let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
    local_path(text.trim()).map_err(|why| error::setting_path(text, what, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_file_and_nonsense_is_one_sentence() {
        let table = |text: &str| toml::from_str::<SourceTable>(text).unwrap();
        let none = Environment::default();
        let args = SourceArgs { page_size: Some(10), ..SourceArgs::default() };
        assert_eq!(Source::new(args, table("page_size = 500"), &none).unwrap().page_size(), 10);
        assert_eq!(Source::new(SourceArgs::default(), table("page_size = 500"), &none).unwrap().page_size(), 500);
        assert_eq!(Source::new(SourceArgs::default(), table(""), &none).unwrap().page_size(), 1000);
        for text in [
            "page_size = 0",
            "page_size = 1001",
            "rate = -1.0",
            "rate = nan",
            "concurrency = 0",
            "read_timeout = 0",
            "connect_timeout = 4000",
            "attempts = 0",
            "overlap_minutes = 50000",
            "most_records = 0",
        ] {
            let error = Source::new(SourceArgs::default(), table(text), &none).unwrap_err();
            let name = text.split(' ').next().unwrap();
            assert!(error.is_usage() && error.to_string().starts_with(&format!("{name} of [source]")), "{error}");
        }
        assert!(toml::from_str::<SourceTable>("pagesize = 5").is_err(), "a typo must not pass for a default");
    }
}
