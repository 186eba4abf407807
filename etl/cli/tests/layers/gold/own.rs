//! Models of a user's project.

use chrono::TimeDelta;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::gold::{self, GoldConfig, OwnModels};
use connectwise_pipeline::maintain;
use connectwise_pipeline::silver::Mode;
use connectwise_upkeep::MaintenanceOptions;
use serde_json::json;

use super::tenant::{Tenant, configured, silver_of};

const METADATA: &str = r#"
[[model]]
name = "billed"
kind = "view"

[[model]]
name = "hours_by_company"
kind = "fact"
key = "companyName"
columns = "companyName:string! hours:money lines:bigint!"
accepted = { companyName = ["Acme", "Beta", "Gamma", "Only here", "Unknown"] }

[[model]]
name = "dimticket"
kind = "dimension"
key = "TicketKey"
natural = "ticketId"
columns = "TicketKey:bigint! ticketId:int summary:string"
"#;

/// It reads a fact, a dimension, and a view that stands behind it in the file.
const HOURS: &str = "
    select c.companyName, cast(sum(f.actualHours) as decimal(19, 4)) as hours, coalesce(max(b.lines), cast(0 as bigint)) as lines
    from fact_timeentry f
    join dimcompany c on c.CompanyKey = f.CompanyKey
    left join billed b on b.companyName = c.companyName
    where not f.isDeleted
    group by c.companyName";
const BILLED: &str = "select companyName, count(*) as lines from fact_invoiceline where isInvoiced group by companyName -- not dimticket";
const TICKETS: &str =
    "select distinct ticketId, ticketSummary as summary from silver_cw_timeentry where ticketSummary is not null";

/// A project with these files in its folder of models.
fn project(files: &[(&str, &str)]) -> Result<GoldConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let models = OwnModels::read(folder.path()).map_err(|error| error.to_string())?;
    let config = GoldConfig { models, ..configured() };
    let tenant = Tenant::empty();
    let checked = std::thread::scope(|scope| {
        let check = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(gold::check(&tenant.lake, &config))
        };
        scope.spawn(check).join().unwrap()
    });
    let folder = format!("{}/", folder.path().display());
    match checked {
        Ok(()) => Ok(config),
        Err(error) if error.is_usage() => Err(error.to_string().replace(&folder, "")),
        Err(error) => panic!("not the user's fault: {}", error.report()),
    }
}

#[tokio::test]
async fn they_are_built_behind_what_they_read_and_follow_it() {
    let files = [
        ("models.toml", METADATA),
        ("hours_by_company.sql", HOURS),
        ("billed.sql", BILLED),
        ("dimticket.sql", TICKETS),
    ];
    let config = project(&files).unwrap();
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &config).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    assert!(
        report.tests.iter().any(|test| test.table.name == "hours_by_company" && test.test == "companyName is unique")
    );
    let rows = async |table: &str| tenant.own_rows(table, "* except (_etl_gold_processed_at, _etl_batch_id)").await;
    assert_eq!(
        rows("hours_by_company").await,
        [
            // 2 + 1.5 - 1 + 1 + 2.5 hours, and eight lines: those of the entries 4, 21, 22 and 35, by their invoice, and 13, of
            // product 12, and what two invoices say beyond their lines.
            "Acme | 6.0000 | 8 | silver_cw_activity",
            // Entry 11, expense 3 and product 6; entry 37 and product 21 on a deleted invoice; and what that one and another one say
            // beyond their lines.
            "Beta | 4.0000 | 7 | silver_cw_activity",
            "Gamma | 2.0000 | 1 | silver_cw_activity",
            "Only here | 1.0000 | 0 | silver_cw_activity",
            // Of no company: 0.3333 of entry 4, 1 + 3 + 1 of 6, 7 and 10, 4 + 8 + 10 of 15 to 17, 1 + 2 + 1.5 + 1 + 1 + 1 of 29 to 34,
            // 4 of 35 and 1 of 36.
            "Unknown | 39.8333 | 0 | silver_cw_activity",
        ]
    );
    assert_eq!(
        rows("dimticket").await,
        ["-1 | NULL | Unknown | silver_cw_timeentry", "1 | 7 | Printer | silver_cw_timeentry"]
    );

    let mut entries = silver_of("TimeEntry");
    entries[0]["actualHours"] = json!("10");
    tenant.put("TimeEntry", entries).await;
    tenant.build(Mode::Incremental, "2024-07-01T07:00:00Z", &config).await;
    assert_eq!(rows("hours_by_company").await[0], "Acme | 14.0000 | 8 | silver_cw_activity");

    let upkeep = MaintenanceOptions {
        run_id: "upkeep".to_owned(),
        dry_run: true,
        retention: TimeDelta::hours(1),
        orphan_age: TimeDelta::hours(1),
    };
    let kept = maintain::run(&tenant.lake, &[Layer::Gold], &config, &upkeep, &()).await.unwrap();
    assert!(
        ["gold/hours_by_company", "gold/dimticket", "gold/fact_timeentry"]
            .iter()
            .all(|table| kept.tables.iter().any(|kept| kept.table == *table)),
        "{kept:?}"
    );
}

#[test]
fn what_cannot_work_is_one_sentence_before_anything_is_touched() {
    let said = |files: &[(&str, &str)]| project(files).unwrap_err();
    let view = |name: &str| format!("[[model]]\nname = \"{name}\"\nkind = \"view\"\n");
    assert!(project(&[]).is_ok() && project(&[("README.md", "no model")]).is_ok());
    assert_eq!(
        said(&[("mine.sql", "select 1 as one")]),
        "mine.sql is declared nowhere: add a [[model]] mine to models.toml"
    );
    assert_eq!(said(&[("models.toml", &view("mine"))]), "models.toml declares mine, and there is no mine.sql");
    assert_eq!(
        said(&[("models.toml", &view("DimCompany")), ("DimCompany.sql", "select 1 as one")]),
        "models.toml declares DimCompany, a name that is taken: call the model and its file something else"
    );
    assert_eq!(
        said(&[("models.toml", "[[model]]\nname = \"mine\"\nkind = \"cube\"\n"), ("mine.sql", "select 1 as one")]),
        "models.toml is wrong: line 3: unknown variant `cube`, expected one of `view`, `lookup`, `aggregate`, `dimension`, `calendar`, `fact`"
    );
    let two = format!("{}{}", view("one"), view("two"));
    assert_eq!(
        said(&[("models.toml", &two), ("one.sql", "select * from two"), ("two.sql", "select * from one")]),
        "one.sql and two.sql read each other in a circle"
    );
    let wrong = said(&[("models.toml", &view("mine")), ("mine.sql", "selekt 1")]);
    assert!(wrong.starts_with("mine.sql can't work: the query failed: "), "{wrong}");
    let wrong = said(&[("models.toml", &view("mine")), ("mine.sql", "select * from silver_cw_nothing")]);
    assert!(wrong.starts_with("mine.sql can't work: ") && wrong.contains("silver_cw_nothing"), "{wrong}");
    let fact = "[[model]]\nname = \"mine\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"id:int! name:string\"\n";
    assert_eq!(
        said(&[("models.toml", fact), ("mine.sql", "select id, summary from silver_cw_ticket")]).split(": ").next(),
        Some("mine.sql can't work")
    );
    assert_eq!(
        said(&[("models.toml", &fact.replace("\"id\"", "\"no\"")), ("mine.sql", "select 1 as id")]),
        "models.toml declares mine, with the key \"no\", which is none of its columns"
    );
    let input = format!("{fact}inputs = [\"nothing\"]\n");
    assert_eq!(
        said(&[("models.toml", &input), ("mine.sql", "select 1 as id")]),
        "models.toml declares mine, with the input \"nothing\", which is no entity of the lake"
    );
}

/// A view of this name with this SELECT.
fn one(name: &str, sql: &str) -> Result<GoldConfig, String> {
    let metadata = format!("[[model]]\nname = '{name}'\nkind = \"view\"\n");
    project(&[("models.toml", &metadata), (&format!("{name}.sql"), sql)])
}

#[test]
fn a_model_can_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("out.csv").display().to_string();
    for sql in [
        &format!("copy (select 1 as one) to '{place}'"),
        &format!("create external table x stored as csv location '{place}'"),
        "create table x as select 1 as one",
        "set datafusion.execution.time_zone = '+01:00'",
        "select 1 as one; select 2 as two",
        "insert into silver_cw_timeentry select * from silver_cw_timeentry",
        "select * into x from silver_cw_timeentry",
        &format!("select * from '{place}'"),
    ] {
        let said = one("mine", sql).unwrap_err();
        assert!(said.starts_with("mine.sql can't work: "), "{sql}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    assert!(one("mine", "with a as (select 1 as x) select * from a union all values (2)").is_ok());
    // The other SELECTs that metadata has are held to the same.
    let fact = "[[model]]\nname = \"mine\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"id:int! name:string\"\n";
    let sql = "select id, summary as name from silver_cw_serviceticket";
    for key in ["balance", "faults"] {
        let metadata = format!("{fact}{key} = \"copy (select 1 as fault) to '{place}'\"\n");
        let said = project(&[("models.toml", &metadata), ("mine.sql", sql)]).unwrap_err();
        assert!(said.starts_with("a SELECT of mine in models.toml can't work: only a SELECT can be asked"), "{said}");
    }
    assert!(project(&[("models.toml", fact), ("mine.sql", sql)]).is_ok());
}

#[test]
fn the_name_of_a_model_is_a_name_and_free() {
    for name in ["dimcompany#x", "dim?x", "%2e%2e", "a b", "2x", "a-b", "a`b", "\u{fe}", &"a".repeat(129)] {
        let said = one(name, "select 1 as one").unwrap_err();
        assert!(
            said.contains("which is no name for a model: it has letters, digits and underscores"),
            "{name}: {said}"
        );
    }
    // These can't be names of files in the folder, but can be declared.
    for name in ["..", "../x", "a/b", ""] {
        let metadata = format!("[[model]]\nname = '{name}'\nkind = \"view\"\n");
        let said = project(&[("models.toml", &metadata)]).unwrap_err();
        assert!(said.contains("which is no name for a model"), "{name}: {said}");
    }
    for name in [
        "dimcompany",
        "DIMCOMPANY",
        "fact_rows",
        "Dimension_Keys",
        "bronze_cw_company",
        "bronze_cw_quarantine",
        "silver_cw_agreement_history",
        "silver_cw_new",
        "etl_runs",
        "run_day",
        "__some",
        "__stored_table",
    ] {
        let said = one(name, "select 1 as one").unwrap_err();
        assert_eq!(
            said,
            format!("models.toml declares {name}, a name that is taken: call the model and its file something else")
        );
    }
    for name in ["Hours_2_by_Company", "stored", "changed", "together", "affected_company", "dimcompany_stored"] {
        assert!(one(name, "select 1 as one").is_ok(), "{name}");
    }
    let twice = "[[model]]\nname = \"mine\"\nkind = \"view\"\n[[model]]\nname = \"Mine\"\nkind = \"view\"\n";
    let said = project(&[("models.toml", twice), ("mine.sql", "select 1 as one"), ("Mine.sql", "select 1 as one")]);
    assert!(said.unwrap_err().contains("declares Mine, a name that is taken"));
}

/// Dependencies come from the parsed SELECT: a column, a string literal, a comment or a WITH may be named like a model. A data test
/// may read a built-in view that no SELECT of the project reads.
#[tokio::test]
async fn models_read_the_tables_of_their_select_and_nothing_else_that_looks_like_one() {
    const METADATA: &str = r#"
[[model]]
name = "zebra"
kind = "fact"
key = "companyName"
columns = "companyName:string! later:bigint! changed:string!"
faults = "select companyName from invoice_lines where lineSource = 'none'"

[[model]]
name = "later"
kind = "view"

[[model]]
name = "changed"
kind = "fact"
key = "companyName"
columns = "companyName:string! lines:bigint! zebra:string!"
"#;
    let files = [
        ("models.toml", METADATA),
        // `later` is read behind a text with two hyphens, `changed` is a text and a column; and a table of its own hides a dimension.
        (
            "zebra.sql",
            "with dimmember as (select '-- ' as dash, companyName, lines from later)
             select companyName, lines as later, 'changed' as changed from dimmember where dash = '-- '",
        ),
        // It names what reads it in a comment and as a column.
        ("later.sql", "select companyName, lines /* zebra */ from changed -- zebra, dimmember"),
        (
            "changed.sql",
            "/* from later */ select c.companyName, count(*) as lines, 'from zebra' as zebra from fact_timeentry f
             join dimcompany c on c.CompanyKey = f.CompanyKey where not f.isDeleted group by c.companyName",
        ),
    ];
    let config = project(&files).unwrap();
    let tenant = Tenant::small().await;
    let rows = async || {
        let changed = tenant.own_rows("changed", "companyName, lines").await;
        assert_eq!(tenant.own_rows("zebra", "companyName, later").await, changed);
        changed
    };
    let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &config).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    assert_eq!(
        rows().await,
        ["Acme | 5", "Beta | 1", "Gamma | 1", "Only here | 1", "Unknown | 27"],
        "as counted by hand in the rows of silver"
    );
    // What a member costs reaches the rows of facts by the changed keys of a lookup, which are `changed` there.
    let mut members = silver_of("Member");
    for member in members.as_array_mut().unwrap() {
        member["hourlyCost"] = json!("77");
    }
    tenant.put("Member", members).await;
    let mut entries = silver_of("TimeEntry");
    entries.as_array_mut().unwrap().remove(0);
    tenant.put("TimeEntry", entries).await;
    let report = tenant.build(Mode::Incremental, "2024-07-02T06:00:00Z", &config).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    assert_eq!(rows().await, ["Acme | 4", "Beta | 1", "Gamma | 1", "Only here | 1", "Unknown | 27"]);
    let dearer = tenant.rows("select count(*) from fact_timeentry where memberId in (10, 11, 12) and not isDeleted and effectiveHourlyCost <> 77").await;
    assert_eq!(dearer, ["0"]);
}

/// A user model whose amounts have to add up to `expected` for company 1.
fn charged(expected: &str) -> GoldConfig {
    let metadata = format!(
        "[[model]]\nname = \"charged\"\nkind = \"fact\"\nkey = \"timeEntryId\"\ntogether = \"companyId\"\n\
         columns = \"timeEntryId:int! companyId:int amount:money\"\n[[model.adds_up]]\nsum = \"amount\"\n\
         expected = \"select 1, cast({expected} as decimal(19, 4))\"\n"
    );
    let rows = "select timeEntryId, companyId, billableAmount as amount from fact_timeentry";
    project(&[("models.toml", metadata.as_str()), ("charged.sql", rows)]).unwrap()
}

#[tokio::test]
async fn rows_that_stand_together_add_up_or_the_table_stays_as_it_was() {
    let tenant = Tenant::small().await;
    let build = async |expected: &str, at: &str| {
        let report = tenant.build(Mode::Full, at, &charged(expected)).await;
        report.tables.into_iter().filter_map(|table| table.error).collect::<Vec<_>>()
    };
    let wrong = "the rows for gold/charged fail the test that amount adds up by companyId (companyId 1: 480.0000 instead of \
                 480.0100), and the table is as it was";
    assert_eq!(build("480.01", "2024-07-01T06:00:00Z").await, [wrong]);
    assert!(!tenant.lake.table(&TableName::gold("charged")).await.unwrap().exists());
    // Entries 1 (200), 2 (0), 12 (-100), 13 (80) and 28 (300).
    assert_eq!(build("480", "2024-07-01T07:00:00Z").await, [""; 0]);
    assert_eq!(tenant.own_rows("charged", "count(*)").await, ["37"]);
    assert_eq!(build("481", "2024-07-01T08:00:00Z").await.len(), 1);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let metadata = "\
[[model]]
name = \"dimcompany\"
kind = \"view\"
[[model]]
name = \"a#b\"
kind = \"view\"
[[model]]
name = \"mine\"
kind = \"fact\"
key = \"id\"
columns = \"name:string\"
accepted = { nme = [\"x\"] }
";
    let files =
        [("models.toml", metadata), ("dimcompany.sql", "select 1 as one"), ("mine.sql", " \n"), ("x.sql", "select 1")];
    assert_eq!(
        project(&files).unwrap_err(),
        "models.toml declares dimcompany, a name that is taken: call the model and its file something else; \
         models.toml declares \"a#b\", which is no name for a model: it has letters, digits and underscores, 128 at most, \
         and no digit in front; \
         models.toml declares mine, and mine.sql is empty; \
         models.toml declares mine, with the key \"id\", which is none of its columns; \
         models.toml declares mine, with a test of \"nme\", which is none of its columns; \
         x.sql is declared nowhere: add a [[model]] x to models.toml"
    );
    let view = |name: &str| format!("[[model]]\nname = \"{name}\"\nkind = \"view\"\n");
    let three = format!("{}{}{}", view("one"), view("two"), view("three"));
    let said = project(&[
        ("models.toml", &three),
        ("one.sql", "select nothing from silver_cw_company"),
        ("two.sql", "select * from one"),
        ("three.sql", "drop table x"),
    ])
    .unwrap_err();
    assert!(said.contains("one.sql can't work: ") && said.contains("; three.sql can't work: "), "{said}");
    assert!(!said.contains("two.sql"), "what follows from another fault is no news: {said}");
}

#[test]
fn what_fails_for_all_rows_is_found_before_a_run() {
    let from = "from silver_cw_company";
    for sql in ["cast('x' as int)", "cast(1e30 as decimal(19, 4))", "1 / 0", "cast('2026-13-01' as date)"] {
        let said = one("mine", &format!("select id, {sql} as v {from}")).unwrap_err();
        assert!(said.starts_with("mine.sql can't work: ") && said.contains("the query failed: "), "{sql}: {said}");
    }
    assert!(one("mine", &format!("select id, case when id < 0 then cast('x' as int) end as v {from}")).is_ok());
    assert!(one("mine", &format!("select id, try_cast('x' as int) as v, cast('7' as int) as w {from}")).is_ok());

    let fact =
        |columns: &str| format!("[[model]]\nname = \"mine\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"{columns}\"\n");
    let said = |columns: &str, sql: &str| project(&[("models.toml", &fact(columns)), ("mine.sql", sql)]).unwrap_err();
    assert_eq!(
        said("id:int! name:date", "select id, name from silver_cw_company"),
        "mine.sql can't work: name is text where date is declared: cast it in the SELECT, or declare name:string"
    );
    let said = said("id:int! name:string", "select id from silver_cw_company");
    assert!(said.starts_with("mine.sql can't work: the SELECT of mine is not what models.toml declares"), "{said}");
}

#[test]
fn files_of_any_editor_are_read() {
    let metadata = "\u{feff}[[model]]\r\nname = \"mine\"\r\nkind = \"view\"\r\n";
    let sql = "\u{feff}-- hours\r\nselect 'a' as a -- b\r\n, 1 as one\r\n;\r\n";
    assert!(project(&[("models.toml", metadata), ("mine.sql", sql)]).is_ok());
    let said = project(&[("models.toml", metadata), ("mine.sql", &"-".repeat(1024 * 1024 + 1))]).unwrap_err();
    assert!(said.ends_with("mine.sql is larger than 1 MB, and no model is"), "{said}");
    let said = project(&[("models.toml", metadata), ("mine.sql", "-- nothing but a comment\n")]).unwrap_err();
    assert!(said.starts_with("mine.sql can't work: "), "{said}");
}

/// A value that can't be cast is known when it comes, and then by its model, its column and itself.
#[tokio::test]
async fn a_value_that_ends_a_model_is_named() {
    let metadata =
        "[[model]]\nname = \"mine\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"id:int! hours:money number:int\"\n";
    let sql = "select id, actualHours as hours, cast(companyName as int) as number from silver_cw_timeentry";
    let config = project(&[("models.toml", metadata), ("mine.sql", sql)]).unwrap();
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &config).await;
    let failed: Vec<_> = report.tables.iter().filter(|table| table.error.is_some()).collect();
    assert_eq!(failed.len(), 1, "the others are built: {:?}", report.tables);
    let error = failed[0].error.as_deref().unwrap();
    assert!(error.starts_with("the model mine can't be computed: "), "{error}");
    assert!(error.contains("Cannot cast string '") && error.ends_with("(in number)"), "{error}");
}
