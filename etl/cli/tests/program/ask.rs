//! Saved questions: the list, an answer in each form, and what is refused.

use std::path::Path;

use serde_json::Value;

use crate::{program, stdout};

fn said(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = program(folder).arg("ask").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// One sentence, exit code 2, nothing printed.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let (code, out, told) = said(folder, arguments);
    assert_eq!((code, out.as_str(), told.trim_end().lines().count()), (2, "", 1), "{arguments:?}: {told:.500}");
    told
}

#[test]
fn questions_are_listed_and_answered_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| stdout(program(folder.path()).arg("ask").args(arguments));
    // The list needs no lakehouse.
    let list = ask(&[]);
    let at = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
    assert!(at(" Money ") < at(" revenue by month ") && at(" revenue by month ") < at(" Agreements "), "{list}");
    assert!(list.contains("Which agreements earn money: revenue less products"));
    let listed: Vec<Value> = serde_json::from_str(&ask(&["--json"])).unwrap();
    let profit = listed.iter().find(|one| one["question"] == "agreement profit").unwrap();
    assert_eq!(profit["measures"][6]["column"], "effectiveHourlyRate");
    assert_eq!(profit["by"], serde_json::json!(["mainAgreement"]));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "something was written");

    stdout(program(folder.path()).args(["demo", "--scale", "300", "--lakehouse", "lakehouse"]));
    let rows: Vec<Value> = serde_json::from_str(&ask(&["revenue", "by", "source", "--json"])).unwrap();
    let csv = ask(&["revenue by source", "--format", "csv"]);
    assert_eq!(csv.lines().next(), Some("source,revenue,lineCost,margin,marginPercentage"));
    assert_eq!(csv.lines().count(), rows.len() + 1);
    let table = ask(&["revenue by source"]);
    assert!(table.contains("margin percentage (%)") && !table.contains("sourceOrder"), "{table}");
    ask(&["revenue by source", "--format", "parquet", "--output", "sources.parquet"]);
    assert!(folder.path().join("sources.parquet").is_file());
    // Names in a table, ids beside them in CSV.
    let clients = ask(&["client profitability", "--format", "csv"]);
    assert!(clients.starts_with("companyId,company,revenue,"), "{clients:.200}");
    assert!(!ask(&["client profitability"]).contains("company id"));
    let mut ids = clients.lines().skip(1).filter_map(|line| line.split(',').next());
    let id = ids.find(|id| !id.is_empty()).unwrap();
    let sql = ask(&["unbilled", "--by", "company,age", "--company", id, "--from", "2025", "--sql"]);
    assert!(sql.contains("q.companyId in ($company0) and q.day >= $from"), "{sql}");
    assert_eq!(ask(&["revenue", "--by", "month", "--from", "2100"]), "no rows\n");

    for (arguments, expected) in [
        (
            &["agrement profit"][..],
            "error: there is no saved question \"agrement profit\": did you mean agreement profit",
        ),
        (&["revenue", "--company", "nobody at all"][..], "error: there is no company \"nobody at all\": "),
        (
            &["revenue", "--from", "yesterday"][..],
            "error: \"yesterday\" is no day, month or year: write it as 2026-01-31, 2026-01 or 2026",
        ),
        (&["revenue", "--by", "colour"][..], "error: the rows \"profit\" can't be cut by \"colour\": "),
        (&["revenue", "--lakehouse", "elsewhere"][..], "isn't there yet: run connectwise-etl run --layers gold first"),
        (
            &["revenue", "--format", "parquet"][..],
            "error: Parquet can't go to standard output: give a file with --output",
        ),
        (&["--company", "Acme"][..], "error: no question is asked: name one before its options"),
    ] {
        let told = refused(folder.path(), arguments);
        assert!(told.contains(expected), "{told}{expected}");
    }
}

#[test]
fn a_broken_file_of_measures_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    let file = folder.path().join("models/measures.toml");
    let measure = "[[measure]]\nname = \"mine\"\ndescription = \"d\"\nrows = [\"work\"]\nunit = \"hours\"\nformat = \"#,0\"\nsql = \"sum(r.ours)\"\n";
    for (text, expected) in [
        (
            "[[measures]]\n",
            "error: models/measures.toml is wrong: line 1: unknown field `measures`: did you mean measure?",
        ),
        (measure, "error: models/measures.toml is wrong: the measure \"mine\" can't be planned: "),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = refused(folder.path(), &[]);
        assert!(told.starts_with(expected), "{told}{expected}");
        assert!(refused(folder.path(), &["revenue"]).starts_with(expected));
    }
    std::fs::write(&file, measure.replace("r.ours", "r.hours")).unwrap();
    assert_eq!(said(folder.path(), &[]).0, 0);
}
