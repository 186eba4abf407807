//! `connectwise-etl demo`.

use clap::Args;
use connectwise_extract::catalog;
use connectwise_extract::read::Window;
use connectwise_lakehouse::{Lake, Layer};
use connectwise_pipeline::error::Result;
use connectwise_pipeline::measures::{self, AskRequest};
use connectwise_pipeline::query;
use connectwise_pipeline::run::{Mode, Plan, RunReport, execute};
use connectwise_pipeline::tenant;
use connectwise_sdk::{Client, Config, ConfigParts};
use connectwise_sim::Simulator;

use super::{ask, run};
use crate::error;
use crate::output::Output;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::tasks;

/// Go the whole way on a simulated tenant: no account, no network, no configuration
///
/// Starts a simulated PSA server on this machine, loads it through all layers over real HTTP, and asks three saved
/// questions. The tables stay in ./demo-lakehouse, for you to look at, or in what --lakehouse names: never in a lakehouse that a
/// tenant was loaded into.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl demo
  connectwise-etl demo --lakehouse /tmp/lake --scale 1000000")]
pub(crate) struct Demo {
    /// Time entries of the simulated tenant; the other entities follow in proportion
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    scale: u64,
    /// Seed of the simulated data: the same seed gives the same tenant
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Serve the API answers in this folder instead of generated ones
    #[arg(long, value_name = "DIR")]
    samples: Option<std::path::PathBuf>,
}

/// The simulator asks for a client id, as the real server does, and takes any.
const CLIENT_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Saved questions that every MSP asks first, how many rows of each are shown, and whether those are the last ones.
const QUESTIONS: [(&str, usize, bool); 3] =
    [("revenue by month", 12, true), ("agreement profit", 10, false), ("open tickets by age", 10, false)];

impl Demo {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let lake = settings.demo_lake()?;
        let simulator = self.simulator().await?;
        let client = client(&simulator)?;
        tenant::admit_demo(&lake, &tenant::of(&client)).await?;
        let plan = Plan {
            layers: Layer::ALL.to_vec(),
            mode: Mode::Full,
            entities: catalog::entities().iter().collect(),
            optional: Vec::new(),
            window: Window::default(),
            page_size: 1000,
            privacy: settings.keyed_privacy()?,
            extra: settings.extra.clone(),
            load: connectwise_pipeline::bronze::Options::default(),
            gold: settings.gold.clone(),
            cluster: None,
            adopt_tenant: false,
            adopt: false,
        };
        let report = execute(&lake, Some(&client), &plan, &Progress::new(*output)).await?;
        let shown = answer(&lake, settings, &report, output).await;
        Ok(output.done(shown, report.exit_code()))
    }

    async fn simulator(&self) -> Result<Simulator> {
        let mut builder = Simulator::builder().seed(self.seed).scale(self.scale);
        if let Some(samples) = &self.samples {
            builder = builder.samples(samples.clone());
        }
        builder.start().await.map_err(error::simulator)
    }
}

/// Prints what the load did, and what gold says then.
async fn answer(lake: &Lake, settings: &Settings, report: &RunReport, output: &Output) -> Result<()> {
    let catalog = tasks::measures(settings).await?;
    let mut answers = serde_json::Map::new();
    if !output.is_json() {
        run::show(report, output)?;
    }
    // A gold that isn't whole answers nothing.
    let questions: &[(&str, usize, bool)] = if report.failed().count() == 0 { &QUESTIONS } else { &[] };
    for &(question, most, newest) in questions {
        let asked = catalog.asked(question)?;
        let answer = measures::ask(lake, &asked, &AskRequest::default()).await?;
        if output.is_json() {
            let rows = serde_json::from_slice(&query::json(&answer.rows)?);
            answers.insert(question.to_owned(), rows.map_err(|why| error::no_json().with_source(why))?);
        } else {
            output.line(&format!("\n{question}: {}", asked.description))?;
            output.line(&ask::text(&answer, most, newest)?)?;
        }
    }
    if output.is_json() {
        return output.json(&serde_json::json!({ "report": report, "answers": answers }));
    }
    if questions.is_empty() {
        return Ok(());
    }
    output.line(&next(lake, settings.demo_place()))
}

fn client(simulator: &Simulator) -> Result<Client> {
    let parts = ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().to_owned().into()),
        client_id: Some(CLIENT_ID.to_owned()),
        ..ConfigParts::default()
    };
    Config::from_parts(parts).and_then(Client::new).map_err(error::client)
}

fn next(lake: &Lake, place: &str) -> String {
    format!(
        "\nThe tables are in {}. Next:\n\
         \x20 ask more              connectwise-etl ask --lakehouse {place}\n\
         \x20 ask in SQL            connectwise-etl query --lakehouse {place} \"select * from dimagreement limit 5\"\n\
         \x20 look at columns       connectwise-etl schema fact_timeentry --layer gold\n\
         \x20 load your own tenant  set the CW_ variables of connectwise-etl --help, then connectwise-etl run",
        lake.root()
    )
}
