//! `connectwise-etl query`.

use clap::Args;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::query;

use super::rows::{FormArgs, Sheet};
use crate::output::{Output, thousands};
use crate::settings::Settings;
use crate::target::Target;

/// Ask the lakehouse a question in SQL
///
/// Tables go by their names in the lakehouse: bronze_cw_timeentry, silver_cw_timeentry, fact_timeentry. Only SELECT is
/// allowed, so that a question can't change the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl query \"select companyName, sum(actualHours) as hours from fact_timeentry group by companyName\"
  connectwise-etl query \"select count(*) from silver_cw_invoice\" --json
  connectwise-etl query \"select * from dimcompany\" --format csv --output companies.csv")]
pub(crate) struct Query {
    /// One SELECT
    sql: String,
    #[command(flatten)]
    form: FormArgs,
}

impl Query {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let format = self.form.form(output)?;
        let lake = settings.lake()?;
        let target = Target::open(self.form.output.as_deref(), output).await?;
        let (schema, mut rows) = query::stream(&lake, &self.sql).await?;
        let mut sheet = Sheet::new(target, format, &schema, self.form.cells())?;
        while let Some(batch) = rows.recv().await {
            if !sheet.push(batch?)? {
                break;
            }
        }
        let count = sheet.count;
        let cut = sheet.cut;
        sheet.finish()?.tell(output);
        if let Some(path) = &self.form.output {
            output.note(&format!("{} rows are in {}", thousands(count), path.display()));
        }
        if cut {
            output.note(&format!(
                "the first {} rows are shown: --format csv, json or parquet gives all of them",
                thousands(count)
            ));
        }
        Ok(0)
    }
}
