//! What is built in can be asked, and what is wrong with a project's measures is one sentence.

use connectwise_lakehouse::Lake;

use super::catalog::{Catalog, CatalogFile, Measure, Question, Rows, parse};
use super::problems::{empty_gold, of, selects};
use crate::gold::GoldConfig;
use crate::sql;

const BUILT_IN: &str = include_str!("../../models/measures.toml");

/// The built-in file, taken for one of a project.
fn as_own() -> Catalog {
    let CatalogFile { rows, measure, question } = parse(BUILT_IN).unwrap();
    Catalog {
        rows: rows.into_iter().map(|rows| Rows { own: true, ..rows }).collect(),
        measures: measure.into_iter().map(|measure| Measure { own: true, ..measure }).collect(),
        questions: question.into_iter().map(|question| Question { own: true, ..question }).collect(),
    }
}

#[tokio::test]
async fn everything_that_is_built_in_can_be_asked_of_the_contracts() {
    let catalog = as_own();
    assert_eq!(of(&catalog), Vec::<String>::new());
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
    let session = empty_gold(&lake, &GoldConfig::default()).unwrap();
    let selects = selects(&catalog, |own| own).unwrap();
    assert!(selects.len() > catalog.questions.len() + catalog.measures.len(), "{}", selects.len());
    for (what, sql) in selects {
        let frame =
            sql::select(&session, &sql).await.unwrap_or_else(|error| panic!("{what} {}\n{sql}", error.report()));
        frame.collect().await.unwrap_or_else(|error| panic!("{what} {error}\n{sql}"));
    }
    for measure in &catalog.measures {
        let asked = catalog.questions.iter().any(|question| question.measures.contains(&measure.name));
        assert!(asked, "no question asks for {}", measure.name);
    }
}

/// Every question and measure is in `docs/measures.md`, in the words of the file.
#[test]
fn the_document_has_what_the_file_has() {
    let document = include_str!("../../../../docs/measures.md");
    let catalog = as_own();
    for Question { name, description, measures, by, .. } in &catalog.questions {
        let row = format!("| {name} | {description} | {} | {} | ", measures.join(", "), by.join(", "));
        assert!(document.contains(&row), "docs/measures.md lacks {row}");
    }
    for Measure { name, unit, description, .. } in &catalog.measures {
        let row = format!("| {name} | {unit} | {description} |");
        assert!(document.contains(&row), "docs/measures.md lacks {row}");
    }
}

/// What is asked first is answered by questions that exist.
#[test]
fn the_document_names_no_question_that_is_not_there() {
    let document = include_str!("../../../../docs/measures.md");
    let catalog = as_own();
    let asked: Vec<Vec<&str>> =
        document.lines().filter(|line| line.starts_with("| Q")).map(|line| line.split(" | ").collect()).collect();
    assert_eq!(asked.len(), 18, "{asked:?}");
    for line in asked {
        for name in line[2].split([',', ';']).map(str::trim) {
            let is_known = catalog.questions.iter().any(|question| question.name == name);
            // Surveys aren't loaded.
            assert!(is_known || (line[0] == "| Q16" && name == "none"), "{line:?} names {name}, which is no question");
        }
    }
}

#[test]
fn the_sql_stays_in_the_part_that_spark_shares() {
    let catalog = as_own();
    let rows = catalog.rows.iter().map(|rows| (&rows.name, &rows.sql));
    for (name, sql) in rows.chain(catalog.measures.iter().map(|measure| (&measure.name, &measure.sql))) {
        let sql = sql.to_lowercase();
        for word in crate::sql::BEYOND_SPARK.into_iter().chain(["timestamp", "current_date", "date '", "interval"]) {
            assert!(!sql.contains(word), "{name} uses {word:?}");
        }
    }
}

const ROWS: &str = "[[rows]]\nname = \"mine\"\ndescription = \"d\"\ndimensions = [\"company:companyId\"]\nsql = \"select companyId, companyName as company from dimcompany\"\n";

fn measure(name: &str, rows: &str, format: &str) -> String {
    format!(
        "[[measure]]\nname = \"{name}\"\ndescription = \"d\"\nrows = [\"{rows}\"]\nunit = \"companies\"\nformat = \"{format}\"\nsql = \"count(*)\"\n"
    )
}

fn question(measures: &str, by: &str) -> String {
    format!(
        "[[question]]\nname = \"my companies\"\ngroup = \"Mine\"\ndescription = \"d\"\nrows = \"mine\"\nmeasures = [\"{measures}\"]\nby = [\"{by}\"]\n"
    )
}

fn found(text: &str) -> String {
    let mut catalog = Catalog::built_in().unwrap();
    match parse(text) {
        Ok(file) => catalog.add(file, true),
        Err(why) => return why,
    }
    of(&catalog).join("; ")
}

#[test]
fn what_is_wrong_with_a_measure_says_what_is_right() {
    let right = format!("{ROWS}{}{}", measure("my count", "mine", "#,0"), question("my count", "company"));
    assert_eq!(found(&right), "");
    for (text, expected) in [
        ("[[measure]]\nname = \"x\"\nsqll = \"\"\n".to_owned(), "line 3: unknown field `sqll`: did you mean sql?"),
        (
            measure("my count", "mine", "#,0"),
            "the measure \"my count\" is computed from the rows \"mine\", which aren't there: ",
        ),
        (measure("my count", "invoice line", "#,0"), "did you mean invoice lines"),
        (measure("revenue", "invoices", "#,0"), "the measure \"revenue\" can't be called so: the name is taken"),
        (
            measure("My Count", "invoices", "#,0"),
            "can't be called so: a name is lower-case words of letters and digits",
        ),
        (measure("my count", "invoices", "0.0"), "has the format \"0.0\", and the formats are #,0, #,0.0, #,0.00"),
        (
            measure("company", "invoices", "#,0"),
            "has the column company, which is a dimension of the rows \"invoices\"",
        ),
        (
            format!("{ROWS}{}", question("revenue", "company")),
            "asks for the measure \"revenue\", which isn't computed from the rows \"mine\"",
        ),
        (
            format!("{ROWS}{}", question("revenu", "company")),
            "asks for the measure \"revenu\", which isn't there: did you mean revenue",
        ),
        (
            format!("{ROWS}{}{}", measure("my count", "mine", "#,0"), question("my count", "month")),
            "can't be cut: the rows \"mine\" can't be cut by \"month\": company are known, and total for one row",
        ),
        (ROWS.replace("company:companyId", "total"), "have the dimension \"total\" twice, or call one like a period"),
        (
            ROWS.replace("company:companyId", "a b"),
            "have a dimension with the column \"a b\", which is no name of a column",
        ),
    ] {
        assert!(found(&text).contains(expected), "{text}\n{}", found(&text));
    }
}

#[test]
fn a_column_is_called_as_its_measure() {
    let catalog = Catalog::built_in().unwrap();
    let measure = catalog.measure("effective hourly rate").unwrap();
    assert_eq!((measure.column().as_str(), measure.decimals()), ("effectiveHourlyRate", 2));
    let asked = catalog.asked(" Agreement Profit ").unwrap();
    assert_eq!((asked.rows.name.as_str(), asked.by.as_slice()), ("profit", &["mainAgreement"][..]));
    let alone = catalog.asked("open tickets").unwrap();
    assert_eq!((alone.by.as_slice(), alone.measures.len()), (&["total"][..], 1));
    let said = catalog.asked("agrement profit").unwrap_err().to_string();
    assert_eq!(
        said,
        "there is no saved question \"agrement profit\": did you mean agreement profit or agreements ending? connectwise-etl ask lists all questions"
    );
}
