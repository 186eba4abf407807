//! `connectwise-etl ask`.

use std::io::Write;

use clap::Args;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::measures::{Answer, AskRequest, Catalog, Cell, Role};

use super::rows::{FormArgs, Format, SHOWN, Sheet, fault};
use crate::error;
use crate::output::{Output, decimal, table, thousands};
use crate::settings::Settings;
use crate::target::Target;
use crate::tasks;

/// Ask a saved question: revenue, what agreements earn, what is open, who is busy
///
/// Without a question it lists all of them. A single measure, as "margin percentage", can be asked for, too. Questions are answered
/// from the gold tables; a folder `models` beside the configuration may add to them with a file measures.toml.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl ask
  connectwise-etl ask \"agreement profit\" --company \"Acme Ltd\" --from 2026-01 --to 2026-06
  connectwise-etl ask \"revenue by month\" --by company,quarter --from 2026 --format csv --output revenue.csv
  connectwise-etl ask \"open tickets\" --by board --json")]
pub(crate) struct Ask {
    /// Question, or measure [default: lists all questions]
    #[arg(value_name = "QUESTION")]
    question: Vec<String>,
    /// Only this company: its name, identifier or id
    #[arg(long, value_name = "COMPANY")]
    company: Option<String>,
    /// From this day, month or year on, as 2026-01-31, 2026-01 or 2026
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to and with this day, month or year
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// What the answer is cut by, as month,company; `total` for one row [default: as the question has it]
    #[arg(long, value_name = "CUTS", value_delimiter = ',')]
    by: Vec<String>,
    /// Print the SELECT in place of its rows, for other engines
    #[arg(long)]
    sql: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl Ask {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let format = self.form.form(output)?;
        if self.question.is_empty() {
            let narrowed =
                [self.company.is_some(), self.from.is_some(), self.to.is_some(), !self.by.is_empty(), self.sql];
            if narrowed.contains(&true) || self.form.output.is_some() {
                return Err(error::no_question());
            }
            let catalog = tasks::measures(settings).await?;
            if format == Format::Json {
                output.json(&catalog.listed()?)?;
            } else {
                list(&catalog, output)?;
            }
            return Ok(0);
        }
        let Self { question, company, from, to, by, sql, form } = self;
        let request = AskRequest { by, company, from, to };
        let answer = tasks::ask(settings, &question.join(" "), &request).await?;
        if sql {
            output.line(&answer.sql)?;
            return Ok(0);
        }
        let mut target = Target::open(form.output.as_deref(), output).await?;
        let rows: usize = answer.rows.iter().map(arrow::array::RecordBatch::num_rows).sum();
        if format == Format::Table {
            writeln!(target, "{}", text(&answer, SHOWN, false)?).map_err(fault)?;
            target.finish()?;
        } else {
            let Some(schema) = answer.rows.first().map(arrow::array::RecordBatch::schema) else { return Ok(0) };
            let mut sheet = Sheet::new(target, format, &schema, form.cells())?;
            for batch in answer.rows {
                if !sheet.push(batch)? {
                    break;
                }
            }
            sheet.finish()?.tell(output);
        }
        if let Some(path) = &form.output {
            output.note(&format!("{} rows are in {}", thousands(rows as u64), path.display()));
        }
        Ok(0)
    }
}

/// The questions, a table for each group.
fn list(catalog: &Catalog, output: &Output) -> Result<()> {
    let questions = catalog.questions();
    for group in questions.chunk_by(|one, other| one.group == other.group) {
        let Some(first) = group.first() else { continue };
        let rows = group.iter().map(|one| vec![one.name.clone(), one.description.clone(), one.by.join(", ")]);
        output.line(&format!("{}\n", table(&[&first.group, "answers", "by"], &[], rows)))?;
    }
    output.line("connectwise-etl ask \"<question>\" answers one; --by cuts it otherwise, and --company, --from and --to narrow it.")
}

/// An answer for people, without ids and with as many decimal places as each measure has: its first rows, or its last ones where it is in the
/// order of time and `newest` is wanted. How many aren't shown is said below.
pub(crate) fn text(answer: &Answer, most: usize, newest: bool) -> Result<String> {
    let rows = answer.cells()?;
    if rows.is_empty() {
        return Ok("no rows".to_owned());
    }
    let shown: Vec<usize> = (0..answer.columns.len()).filter(|at| !is_id(answer, *at)).collect();
    let header: Vec<&str> =
        shown.iter().filter_map(|at| answer.columns.get(*at)).map(|column| column.title.as_str()).collect();
    let is_number =
        |at: &usize| answer.columns.get(*at).is_some_and(|column| matches!(column.role, Role::Measure { .. }));
    let right: Vec<usize> = shown.iter().enumerate().filter(|(_, at)| is_number(at)).map(|(place, _)| place).collect();
    let more = rows.len().saturating_sub(most);
    let rows = rows
        .iter()
        .skip(if newest { more } else { 0 })
        .take(most)
        .map(|row| shown.iter().filter_map(|at| Some(cell(answer, *at, row.get(*at)?))).collect());
    let mut text = table(&header, &right, rows);
    if more > 0 {
        text.push_str(&format!("\n{} more rows", thousands(more as u64)));
    }
    Ok(text)
}

fn is_id(answer: &Answer, at: usize) -> bool {
    answer.columns.get(at).is_some_and(|column| column.role == Role::Id)
}

fn cell(answer: &Answer, at: usize, cell: &Cell) -> String {
    match (cell, answer.columns.get(at).map(|column| &column.role)) {
        (Cell::Number(number), Some(Role::Measure { decimals, .. })) => decimal(*number, *decimals),
        (Cell::Number(number), _) => number.to_string(),
        (Cell::Text(text), _) => text.clone(),
        (Cell::Nothing, Some(Role::Cut)) => "(none)".to_owned(),
        (Cell::Nothing, _) => String::new(),
    }
}
